"""Says whether this container's web process answers: ``answers.py PORT``. Standard library only, for ``python -I -S``.

It asks for ``/health/live``, which asks nobody else, under a name that the console takes: the first of
``MAINSTAY_ALLOWED_HOSTS``.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException

WITHIN_S = 4.0


def main(port: str) -> int:
    """Ask once; return the exit code."""
    first = os.environ.get("MAINSTAY_ALLOWED_HOSTS", "").split(",")[0].strip().lstrip("*.")
    connection = HTTPConnection("127.0.0.1", int(port), timeout=WITHIN_S)
    try:
        connection.request("GET", "/health/live", headers={"Host": first or "127.0.0.1"})
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        sys.stderr.write(f"no answer: {error!r}\n")
        return 1
    sys.stdout.write(f"answers {status}\n")
    return int(status != 200)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
