// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { IWrapped } from "../interfaces/IWrapped.sol";

/// A chain's own coin as a token, one for one. For tests and development only.
contract MockWrapped is ERC20, IWrapped {
    error CoinRefused(address to, uint256 amount);

    constructor() ERC20("Wrapped coin", "WCOIN") { }

    function deposit() external payable {
        _mint(msg.sender, msg.value);
    }

    function withdraw(uint256 amount) external {
        _burn(msg.sender, amount);
        (bool paid,) = msg.sender.call{ value: amount }("");
        if (!paid) revert CoinRefused(msg.sender, amount);
    }
}
