"""The shipped handlers on a virtual clock: every outside call can fail, every worker can die, a seed decides."""
