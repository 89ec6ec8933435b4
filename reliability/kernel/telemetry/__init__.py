"""What the system says about itself: metrics, traces, logs. Works without any collector; exports when one is named."""
