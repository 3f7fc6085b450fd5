"""What every other part stands on: contracts, errors, images, names, weights, files."""
