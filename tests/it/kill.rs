//! Whoever is killed, and whenever: the next run finishes, and little travels twice.
