"""Traces of requests (OpenTelemetry). Nothing of OpenTelemetry is imported unless an OTEL_… variable names a collector."""
