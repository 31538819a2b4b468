// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// Tokens that do what tokens should not.
abstract contract Mintable is ERC20 {
    function mint(address to, uint256 raw) external {
        _mint(to, raw);
    }
}

/// Keeps 1 % of what is moved.
contract FeeToken is Mintable {
    constructor() ERC20("Fee", "FEE") { }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (from != address(0) && to != address(0)) super._update(to, address(0), value / 100);
    }
}

/// Takes one more from whoever sends.
contract BurnToken is Mintable {
    constructor() ERC20("Burn", "BURN") { }

    function transfer(address to, uint256 value) public override returns (bool) {
        _burn(msg.sender, 1);
        return super.transfer(to, value);
    }
}

/// Says false where others revert.
contract SilentToken is Mintable {
    constructor() ERC20("Silent", "SIL") { }

    function transferFrom(address from, address to, uint256 value) public override returns (bool) {
        if (allowance(from, msg.sender) < value) return false;
        return super.transferFrom(from, to, value);
    }
}

/// Every balance times a factor.
contract RebasingToken is Mintable {
    uint256 private _factor = 1;

    constructor() ERC20("Rebase", "REB") { }

    function rebase(uint256 factor) external {
        _factor = factor;
    }

    function balanceOf(address who) public view override returns (uint256) {
        return super.balanceOf(who) * _factor;
    }

    /// Whole shares of the present factor move.
    function transfer(address to, uint256 value) public override returns (bool) {
        super.transfer(to, value / _factor);
        return true;
    }
}

/// Calls somebody while it is moved, as ERC-777 does.
contract ReentrantToken is Mintable {
    address private _target;
    bytes private _call;
    bytes public answer;

    constructor() ERC20("Again", "AGN") { }

    function arm(address target, bytes calldata call) external {
        (_target, _call, answer) = (target, call, "");
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        address target = _target;
        if (from == address(0) || target == address(0)) return;
        _target = address(0);
        (, answer) = target.call(_call);
    }
}

/// Reverts with a megabyte once it is armed.
contract BombToken is Mintable {
    bool private _armed;

    constructor() ERC20("Bomb", "BOMB") { }

    function arm() external {
        _armed = true;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (_armed) {
            assembly {
                revert(0, 1000000)
            }
        }
        super._update(from, to, value);
    }
}

/// Burns all gas once it is armed.
contract GreedyToken is Mintable {
    bool private _armed;

    constructor() ERC20("Greedy", "GRD") { }

    function arm() external {
        _armed = true;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (_armed) {
            assembly {
                invalid()
            }
        }
        super._update(from, to, value);
    }
}

/// Burns so much gas once it is armed, so many calls deep: a token on a chain that charges more than today.
contract DearToken is Mintable {
    uint256 private _burns;
    uint256 private _depth;

    constructor() ERC20("Dear", "DEAR") { }

    function arm(uint256 burns, uint256 depth) external {
        (_burns, _depth) = (burns, depth);
    }

    /// Calls itself `depth` times, then burns.
    function burn(uint256 depth, uint256 amount) external view {
        if (depth != 0) return this.burn(depth - 1, amount);
        uint256 before = gasleft();
        while (before - gasleft() < amount) { }
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (_burns != 0) this.burn(_depth, _burns);
    }
}

/// Good until its mood changes, and again.
contract MoodyToken is Mintable {
    enum Mood {
        Good,
        Refuses,
        SaysFalse,
        TakesAFee,
        Drops,
        Bombs,
        BurnsGas,
        RefusesApproval,
        BurnsGasWhenAsked
    }

    Mood private _mood;

    constructor() ERC20("Moody", "MOO") { }

    function set(Mood mood) external {
        _mood = mood;
    }

    /// Takes from somebody without asking.
    function seize(address from, uint256 value) external {
        _burn(from, value);
    }

    function approve(address spender, uint256 value) public override returns (bool) {
        require(_mood != Mood.RefusesApproval, "no");
        return super.approve(spender, value);
    }

    function balanceOf(address who) public view override returns (uint256) {
        if (_mood == Mood.BurnsGasWhenAsked) _burnGas();
        return super.balanceOf(who);
    }

    function decimals() public view override returns (uint8) {
        if (_mood == Mood.BurnsGasWhenAsked) _burnGas();
        return super.decimals();
    }

    function transferFrom(address from, address to, uint256 value) public override returns (bool) {
        Mood mood = _mood;
        require(mood != Mood.Refuses, "no");
        if (mood == Mood.SaysFalse) return false;
        if (mood == Mood.Drops) return true;
        if (mood == Mood.BurnsGas) _burnGas();
        if (mood == Mood.Bombs) {
            assembly {
                revert(0, 100000)
            }
        }
        super.transferFrom(from, to, value);
        if (mood == Mood.TakesAFee) _burn(to, 1);
        return true;
    }

    function _burnGas() private pure {
        assembly {
            invalid()
        }
    }
}
