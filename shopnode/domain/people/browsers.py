"""What a browser is called where people recognise it: "Chrome on Android", from what it says of itself. Pure.

Versions are left out, so that an update is no other browser.
"""

from __future__ import annotations

UNKNOWN = "A browser"
# In this order: most browsers claim to be several of them.
_BROWSERS = (
    ("edg", "Edge"), ("opr/", "Opera"), ("opera", "Opera"), ("samsungbrowser", "Samsung Internet"), ("ucbrowser", "UC"),
    ("firefox", "Firefox"), ("fxios", "Firefox"), ("crios", "Chrome"), ("chrom", "Chrome"), ("safari", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("ipad", "an iPad"), ("iphone", "an iPhone"), ("android", "Android"), ("windows", "Windows"), ("cros", "ChromeOS"),
    ("mac os", "a Mac"), ("linux", "Linux"),
)  # fmt: skip


def browser_name(user_agent: str | None) -> str:
    """The browser and what it runs on, as far as it says."""
    said = (user_agent or "").lower()
    browser = next((name for sign, name in _BROWSERS if sign in said), UNKNOWN)
    system = next((name for sign, name in _SYSTEMS if sign in said), None)
    return f"{browser} on {system}" if system else browser
