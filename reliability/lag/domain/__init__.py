"""Pure rules of lag: verdicts, time lag, trend, forecasts, schedules, resets. No clock, no Kafka, no database."""
