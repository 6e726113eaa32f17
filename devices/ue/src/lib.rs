//! Device agent library and the ue command.
