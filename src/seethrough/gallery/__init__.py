"""Gallery: thousands of images on one sheet, laid out by what the network makes of them."""
