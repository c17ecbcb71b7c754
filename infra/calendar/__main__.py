"""Write the layer's calendar from what is kept: python -m infra.calendar [refresh].

`refresh` asks the library first; it needs an environment with exchange_calendars in it, as `make calendar` makes one.
"""

import sys

from infra.calendar.build import differences, write_calendar
from infra.calendar.library import refresh_library


def main(arguments: list[str]) -> int:
    """Do it, and say in what the kept days differ from the library's."""
    if arguments not in ([], ["refresh"]):
        print(__doc__)
        return 2
    if arguments:
        refresh_library()
    write_calendar()
    for words in differences():
        print(words)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
