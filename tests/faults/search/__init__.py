"""Every reachable state of one order, two workers, the reconciler and a broker, with the services that ship."""
