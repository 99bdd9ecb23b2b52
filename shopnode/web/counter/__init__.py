"""The selling desk and the drawer. It runs at the node only, where the printers and the stock are."""
