"""The demo clinic: invented people in every step, so that whoever starts the product sees it alive."""
