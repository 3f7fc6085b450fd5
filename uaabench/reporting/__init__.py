"""Reports: one table model (`table`) and one module per format that shows it, so that no two formats can disagree."""
