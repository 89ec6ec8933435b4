"""Every setting that comes from outside, typed; a wrong value stops the start with its name, its problem, an example.

Values come from environment variables, from files named by ``<NAME>_FILE`` (secrets), and, where neither is given,
from the demo that runs beside the checkout (``.mainstay/state.json``), so that commands find it without being told.
"""

from reliability.environment.loading import CHECKOUT, Environment, WrongSetting, load

__all__ = ["CHECKOUT", "Environment", "WrongSetting", "load"]
