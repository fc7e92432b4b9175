"""Networks behind the ports: depth, optical flow and segmentation. Optional, loaded when a run needs them."""
