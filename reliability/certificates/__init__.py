"""Until when the certificates hold that the console meets: those of its servers, its own, and its authorities'."""
