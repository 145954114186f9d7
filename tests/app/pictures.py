"""What is to be seen in a picture of a window: its colours, and how well they are told apart."""

import subprocess
from collections import Counter

# As many pixels of a colour are a stroke of a letter, and not the edge of one.
STROKE = 4


class Picture:
    """A picture that was saved as PNG."""

    def __init__(self, path):
        size = subprocess.run(["magick", "identify", "-format", "%w %h", path], check=True,
                              stdout=subprocess.PIPE, text=True).stdout
        self.width, self.height = map(int, size.split())
        self.pixels = subprocess.run(["magick", path, "-depth", "8", "rgb:-"], check=True,
                                     stdout=subprocess.PIPE).stdout

    def colours(self, x, y, width, height):
        """The colours of a part of it, and how many pixels have each."""
        found = Counter()
        for row in range(max(0, y), min(self.height, y + height)):
            start = (row * self.width + max(0, x)) * 3
            end = (row * self.width + min(self.width, x + width)) * 3
            line = self.pixels[start:end]
            found.update(zip(line[::3], line[1::3], line[2::3]))
        return found

    def longest_stroke(self, x, y, width, height, ground):
        """The pixels of the longest level stroke that is not of the ground's colour."""
        longest = 0
        for row in range(y, y + height):
            stroke = 0
            for column in range(x, x + width):
                place = (row * self.width + column) * 3
                is_ink = contrast(tuple(self.pixels[place:place + 3]), ground) > 1.5
                stroke = stroke + 1 if is_ink else 0
                longest = max(longest, stroke)
        return longest

    def shape(self, x, y, width, height):
        """The places in a part of it that are not of the ground's colour: what is drawn there."""
        ground = self.colours(x, y, width, height).most_common(1)[0][0]
        places = ((column, row) for row in range(height) for column in range(width))
        return {(column, row) for column, row in places
                if contrast(self._colour(x + column, y + row), ground) > 1.5}

    def _colour(self, x, y):
        place = (y * self.width + x) * 3
        return tuple(self.pixels[place:place + 3])

    def contrast(self, x, y, width, height):
        """The contrast of the text in a part of it to its ground, as WCAG 2 counts it.

        The ground is what there is most of; the text's colour, which the edges of its
        letters only come near, is the one farthest from it that makes a stroke.
        """
        colours = self.colours(x, y, width, height)
        ground = colours.most_common(1)[0][0]
        return max((contrast(colour, ground) for colour, pixels in colours.items()
                    if pixels >= STROKE), default=1)


def luminance(colour):
    red, green, blue = ((part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4)
                        for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """From 1, the same, to 21, black and white."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
