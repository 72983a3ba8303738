"""SSH itself: channels, gateways, signs of life."""
