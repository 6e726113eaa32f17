//! What every network function runs on: configuration, TLS, authorization, telemetry, shutdown.
