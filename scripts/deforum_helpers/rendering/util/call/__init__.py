"""One adapter per neighbour: takes what it needs out of the plan and calls a pure function with it."""
