//! The gRPC interfaces between network functions.
