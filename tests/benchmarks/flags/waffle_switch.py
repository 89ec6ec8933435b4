"""What a switch of django-waffle costs, as ``python waffle_switch.py`` prints it: nanoseconds, its cache in memory."""

from __future__ import annotations

import sys
import timeit

import django
from django.conf import settings
from django.core.management import call_command

TIMES = 5_000


def main() -> float:
    """Make a switch that is on, and read it often."""
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "waffle"],
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        SECRET_KEY="measured",
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", verbosity=0)
    import waffle
    from waffle.models import Switch

    Switch.objects.create(name="recommendations", active=True)
    assert waffle.switch_is_active("recommendations")
    read = "switch_is_active('recommendations')"
    names = {"switch_is_active": waffle.switch_is_active}
    return min(timeit.repeat(read, globals=names, number=TIMES, repeat=5)) / TIMES * 1e9


if __name__ == "__main__":
    sys.stdout.write(f"{main():.0f}\n")
