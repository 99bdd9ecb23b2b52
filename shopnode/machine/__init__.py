"""The node on its computer: its folder, lock and keys, the running process, and the commands typed at it.

`runtime.Node` opens a folder and starts what works in it; `serving` puts it behind a socket for browsers, `control`
behind one for commands, so that nothing is ever done around the one writer. `founding` and `enrolling` make a folder,
`doctor` computes every figure in two ways. What the shop is and does is in `shopnode/domain`; nothing here knows it.
"""
