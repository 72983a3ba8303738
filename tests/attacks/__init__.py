"""Attacks on a host, from each seat that an attacker may have; none may succeed.

* A package in an app's requirements, while it is built (`builds/`): becomes root, leaves something
  behind, poisons what other apps are built of, looks around.
* An app in its sandbox (`runs/`): leads root astray by links, answers for another release, has
  nginx ask another app, holds the host up, fills its memory.
* A person with an account on the host: reads, writes, keeps.

Each test asserts outcomes (root did not run it, a file is as it was, visitors got the right
release) and that the attack did take place; never by which means it was fended off. `exec_watch`
sees what root runs; `canaries` sees, after every test, what has changed of root's.
"""
