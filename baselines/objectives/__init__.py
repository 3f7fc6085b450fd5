"""What each learned method minimises when it is trained here, one module per method."""
