"""Times betfair_data over files of the exchange: updates a second, processor time, median of five."""

import statistics
import sys
import time

import betfair_data

all_updates, all_seconds = 0, 0.0
for path in sys.argv[1:]:
    seconds, updates = [], 0
    for _ in range(5):
        began = time.process_time()
        updates = 0
        for file in betfair_data.Files([path]):
            for _market in file:
                updates += 1
        seconds.append(time.process_time() - began)
    median = statistics.median(seconds)
    if updates == 0:
        print(f"betfair_data cannot read {path.rsplit('/', 1)[-1]}")
        continue
    all_updates += updates
    all_seconds += median
    print(f"betfair_data {path.rsplit('/', 1)[-1][:44]:<44} {updates:>9} {updates / median:>12.0f}/s")
print(f"betfair_data, all: {all_updates} updates, {all_updates / all_seconds:.0f}/s")
