"""The internet that the tests, the demo and the benches live on."""
