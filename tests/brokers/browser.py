"""A person's browser, as far as a login needs one: it follows links, keeps cookies, and reads one page."""

import http.client
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

HOPS = 6
FOUND = (301, 302, 303)


@dataclass
class Browser:
    """Follows redirects between servers of this machine; cookies go back to the host that set them."""

    cookies: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)

    def open(self, url: str) -> tuple[int, str]:
        """Open an address and return the status and text of the page that it leads to."""
        for _ in range(HOPS):
            status, location, text = self._get(url)
            if status not in FOUND:
                return status, text
            url = urljoin(url, location)
        raise AssertionError("too many redirects")

    def _get(self, url: str) -> tuple[int, str, str]:
        address = urlsplit(url)
        assert address.hostname == "127.0.0.1", address.hostname
        kept = self.cookies.setdefault(address.netloc, {})
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in kept.items())} if kept else {}
        connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=60)
        try:
            connection.request("GET", f"{address.path}?{address.query}", headers=headers)
            answer = connection.getresponse()
            for line in answer.headers.get_all("Set-Cookie") or []:
                name, _, value = line.partition(";")[0].partition("=")
                kept[name] = value
            return answer.status, answer.headers.get("Location", ""), answer.read().decode()
        finally:
            connection.close()
