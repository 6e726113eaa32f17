//! MSGin5G Server.
