//! Plays radio, AMF/SEAF and SMF/UPF towards Berth in laboratories and tests.
