"""Following a run that another process writes."""

from trainwatch.live.follow import Follower
from trainwatch.live.moment import take_frame

__all__ = ["Follower", "take_frame"]
