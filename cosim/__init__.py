"""Co-simulation of prosumer communities, their messages and their low-voltage feeder."""

import os

from cosim.core.version import VERSION

__version__ = VERSION

# Arrow's own allocator keeps what it took, and grows for a year of batches; the system's gives it back. Arrow
# reads this once, when it is loaded, and its parquet writer heeds no other way of saying it.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
