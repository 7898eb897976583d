"""At which level a gain is tested when test examples of the same split were read before.

One run tests one variant, so its test needs no correction for the others. But several runs on one test split have
several chances to be lucky. So each reading spends a part of the risk: all claims of a gain that are made on one split,
however many runs there are, contain a false one with a probability of at most 1 - confidence. Splits overlap where a
dataset grows: whoever counts the readings of all splits that share an example keeps this for all claims on splits that
hold a common one, since among these the k-th reading is counted as the k-th or as a later one.

Only gains are claimed, and a two-sided test at the full level finds a gain where there is none half as often as its
level says. The first reading takes that half: it is tested as if it were the only one. The other half is shared by all
later readings: reading k takes 1 / (k (k - 1)) of it, which adds up to the whole and never more. This is the
alpha-spending rule (Bonferroni for tests that come one after the other): Tian and Ramdas, "Online control of the
familywise error rate", Statistical Methods in Medical Research 30 (2021). It holds while what a reading showed does not
decide what is tried next; somebody who tunes by the test examples themselves cannot be helped by any level.
"""

from __future__ import annotations


def confidence_of_reading(earlier: int, confidence: float) -> float:
    """The confidence (two-sided, 0-1) of a claim on a test split that was read so often before."""
    if earlier < 0:
        raise ValueError("A test split was read 0 times or more.")
    reading = earlier + 1
    share = 1.0 if reading == 1 else 1 / (reading * (reading - 1))
    return 1 - (1 - confidence) * share
