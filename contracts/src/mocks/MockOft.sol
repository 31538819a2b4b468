// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { OFT } from "@layerzerolabs/oft-evm/contracts/OFT.sol";
import { Ownable } from "@openzeppelin/contracts/access/Ownable.sol";

/// A token that exists on several chains through LayerZero and that anybody mints. For tests and development only.
contract MockOft is OFT {
    constructor(string memory name_, string memory symbol_, address endpoint_, address owner_)
        OFT(name_, symbol_, endpoint_, owner_)
        Ownable(owner_)
    { }

    function mint(address to, uint256 raw) external {
        _mint(to, raw);
    }
}
