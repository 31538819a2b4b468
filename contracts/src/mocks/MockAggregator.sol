// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// A price feed with Chainlink's reading interface, whose answers anybody sets. For tests and development only.
contract MockAggregator {
    struct Round {
        int256 answer;
        uint256 startedAt;
        uint256 updatedAt;
        uint80 answeredInRound;
    }

    uint8 public immutable decimals;
    string public description;
    uint256 public constant version = 4;
    uint80 public latestRound;
    mapping(uint80 round => Round) private _rounds;

    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);

    error NoDataPresent(uint80 round);

    constructor(uint8 decimals_, string memory description_, int256 answer) {
        decimals = decimals_;
        description = description_;
        update(answer);
    }

    /// A next round, of this block.
    function update(int256 answer) public {
        updateAt(answer, block.timestamp);
    }

    /// A next round of another time (seconds): a stale one, or one that is ahead.
    function updateAt(int256 answer, uint256 updatedAt) public {
        uint80 round = ++latestRound;
        _rounds[round] = Round(answer, updatedAt, updatedAt, round);
        emit AnswerUpdated(answer, round, updatedAt);
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return getRoundData(latestRound);
    }

    function latestAnswer() external view returns (int256) {
        return _rounds[latestRound].answer;
    }

    function getRoundData(uint80 round) public view returns (uint80, int256, uint256, uint256, uint80) {
        Round memory r = _rounds[round];
        if (r.updatedAt == 0) revert NoDataPresent(round);
        return (round, r.answer, r.startedAt, r.updatedAt, r.answeredInRound);
    }
}
