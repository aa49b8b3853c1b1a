"""A model of how long an iteration takes on machines that divide a picture with --mpi, for docs/book/src/use/large.md. Prints a table.

An iteration takes, on each machine: its band and the halos around it, at the measured time for a pixel; what each machine computes whatever
the size, which is the style losses of the sums; what it sends and receives; and the latency of all exchanges.
"""

from math import log2

PIXEL = 1.12e-6  # seconds for a pixel on one machine, and
SERIAL = 0.09  # seconds whatever the size: of 0.461 s at 666x500 and 3.45 s at 2000x1500
STRIDE = 16  # bands begin at multiples of it
HALO = 64  # rows that conv5_1 sees beyond a band, in strides
CHANNELS = [64, 128, 256, 512, 512]  # of the style layers
EXCHANGES = 2 * 10 + 17  # in an iteration: inner products with ten pairs, and the rest
LATENCY = 20e-6  # seconds of a message over Ethernet
POST = 1e-6  # seconds to begin one


def bytes_of_sums():
    """S as a triangle of f32, m and s as f64."""
    return sum(4 * c * (c + 1) // 2 + 8 * (1 + c) for c in CHANNELS)


def bytes_sent(machines, width):
    """By all machines together: pixels and gradients of the halos, and the two rounds of the sums."""
    return (machines - 1) * (4 * HALO * width * 3 * 4 + 2 * bytes_of_sums())


def seconds(machines, width, height, gigabits):
    alone = SERIAL + PIXEL * width * height
    if machines == 1:
        return alone
    rows = -(-height // STRIDE // machines) * STRIDE
    halos = HALO * min(2, machines - 1)
    sent = 2 * halos * width * 3 * 4 + 2 * bytes_of_sums() * (machines - 1) / machines
    latency = EXCHANGES * ((log2(machines) + 2) * LATENCY + machines * POST)
    return SERIAL + PIXEL * width * (rows + halos) + sent / (gigabits * 1e9 / 8) + latency


def main():
    columns = [(w, h, g) for w, h in [(4000, 3000), (16000, 12000)] for g in (10, 100)]
    print("| machines |", " | ".join(f"{w}x{h}, {g} Gbit/s" for w, h, g in columns), "|")
    print("|---" * (len(columns) + 1) + "|")
    for machines in (1, 2, 4, 8, 16, 32, 64):
        cells = []
        for width, height, gigabits in columns:
            now = seconds(machines, width, height, gigabits)
            faster = seconds(1, width, height, gigabits) / now
            cells.append(f"{now:.2f} s, {faster:.1f}")
        print(f"| {machines} |", " | ".join(cells), "|")
    for machines in (2, 4):
        print(f"{machines} machines at 800x600 send {bytes_sent(machines, 800) / 1e6:.3f} MB an iteration")


main()
