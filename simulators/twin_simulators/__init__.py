"""Assets that publish like real ones: truth, noise, delay, drop-outs, faults; and a broker in this process."""
