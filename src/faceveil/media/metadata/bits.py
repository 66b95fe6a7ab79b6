"""Numbers of any count of bits, in a row, the highest bit first."""

from __future__ import annotations


class Bits:
    """Reads on from bit ``at``, which may be set."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def read(self, count: int) -> int:
        """The next ``count`` bits as a number.

        Raises:
            ValueError: so many are not left.
        """
        end = self.at + count
        if end > 8 * len(self.data):
            raise ValueError("cut off")
        part = self.data[self.at // 8 : (end + 7) // 8]
        value = int.from_bytes(part, "big") >> (-end % 8)
        self.at = end
        return value & ((1 << count) - 1)

    def align(self) -> None:
        """Go on to the next whole byte."""
        self.at += -self.at % 8
