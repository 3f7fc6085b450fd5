"""What judges fused images by a task."""
