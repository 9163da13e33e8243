"""How things look and who may see them."""
