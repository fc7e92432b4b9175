"""Which frames are diffused, with what values, and how every output frame is made from them."""
