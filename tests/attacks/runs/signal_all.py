import os

reached = []
for pid in range(2, 60000):
    try:
        os.kill(pid, 0)
        reached.append(pid)
    except OSError:
        pass
print("reached", *reached)
