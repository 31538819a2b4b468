// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Base } from "../../test/Base.sol";

interface IMorpho {
    struct MarketParams {
        address loanToken;
        address collateralToken;
        address oracle;
        address irm;
        uint256 lltv;
    }

    function enableIrm(address irm) external;
    function enableLltv(uint256 lltv) external;
    function createMarket(MarketParams memory params) external;
    function supply(MarketParams memory, uint256 assets, uint256 shares, address onBehalf, bytes memory) external;
    function supplyCollateral(MarketParams memory, uint256 assets, address onBehalf, bytes memory) external;
    function borrow(MarketParams memory, uint256 assets, uint256 shares, address onBehalf, address receiver) external;
    function withdraw(MarketParams memory, uint256 assets, uint256 shares, address onBehalf, address receiver)
        external;
    function liquidate(MarketParams memory, address borrower, uint256 seized, uint256 repaid, bytes memory) external;
}

interface IAave {
    struct Reserve {
        address aTokenImpl;
        address stableDebtTokenImpl;
        address variableDebtTokenImpl;
        uint8 underlyingAssetDecimals;
        address interestRateStrategyAddress;
        address underlyingAsset;
        address treasury;
        address incentivesController;
        string aTokenName;
        string aTokenSymbol;
        string variableDebtTokenName;
        string variableDebtTokenSymbol;
        string stableDebtTokenName;
        string stableDebtTokenSymbol;
        bytes params;
    }

    function setACLAdmin(address) external;
    function setACLManager(address) external;
    function setPriceOracle(address) external;
    function setPoolImpl(address) external;
    function setPoolConfiguratorImpl(address) external;
    function getPool() external view returns (address);
    function getPoolConfigurator() external view returns (address);
    function addPoolAdmin(address) external;
    function initReserves(Reserve[] calldata) external;
    function configureReserveAsCollateral(address, uint256 ltv, uint256 threshold, uint256 bonus) external;
    function setReserveBorrowing(address, bool) external;
    function setAssetPrice(address, uint256) external;
    function supply(address asset, uint256 amount, address onBehalf, uint16) external;
    function withdraw(address asset, uint256 amount, address to) external returns (uint256);
    function borrow(address asset, uint256 amount, uint256 mode, uint16, address onBehalf) external;
    function liquidationCall(address collateral, address debt, address user, uint256 amount, bool aToken) external;
}

/// Aave v3 and Morpho Blue on the same EVM, with the same two tokens, in use, each call a transaction. Into
/// snapshots/Compare.json.
contract CompareTest is Base {
    uint256 private constant MUCH = 1_000_000e18;

    IMorpho private morpho;
    IMorpho.MarketParams private market;
    IAave private pool;
    IAave private oracle;

    function setUp() public override {
        super.setUp();
        eth.mint(ALICE, MUCH);
        eth.mint(BOB, MUCH);
        usdc.mint(ALICE, MUCH);
        usdc.mint(BOB, MUCH);
        _morpho();
        _aave();
        skip(1 hours);
    }

    function test_gas_morpho_supply() public {
        vm.prank(BOB);
        morpho.supply(market, 1000e6, 0, BOB, "");
        vm.snapshotGasLastCall("Compare", "Morpho Blue supply");
    }

    function test_gas_morpho_supply_collateral() public {
        vm.prank(ALICE);
        morpho.supplyCollateral(market, 1e18, ALICE, "");
        vm.snapshotGasLastCall("Compare", "Morpho Blue supplyCollateral");
    }

    function test_gas_morpho_withdraw() public {
        vm.prank(BOB);
        morpho.withdraw(market, 1000e6, 0, BOB, BOB);
        vm.snapshotGasLastCall("Compare", "Morpho Blue withdraw");
    }

    function test_gas_morpho_liquidate() public {
        vm.mockCall(market.oracle, abi.encodeWithSignature("price()"), abi.encode(uint256(1500e24)));
        vm.prank(BOB);
        morpho.liquidate(market, ALICE, 1e18, 0, "");
        vm.snapshotGasLastCall("Compare", "Morpho Blue liquidate, part");
    }

    function test_gas_aave_supply() public {
        vm.prank(BOB);
        pool.supply(address(usdc), 1000e6, BOB, 0);
        vm.snapshotGasLastCall("Compare", "Aave v3 supply");
    }

    function test_gas_aave_withdraw() public {
        vm.prank(BOB);
        pool.withdraw(address(usdc), 1000e6, BOB);
        vm.snapshotGasLastCall("Compare", "Aave v3 withdraw");
    }

    function test_gas_aave_liquidation() public {
        oracle.setAssetPrice(address(eth), 1700e8);
        vm.prank(BOB);
        pool.liquidationCall(address(eth), address(usdc), ALICE, 1000e6, false);
        vm.snapshotGasLastCall("Compare", "Aave v3 liquidationCall, part");
    }

    /// Alice borrows against 10 ETH what Bob supplied, on both.
    function _morpho() private {
        morpho = IMorpho(_deploy("Morpho", abi.encode(address(this))));
        address price = _deploy("OracleMock", "");
        address irm = _deploy("IrmMock", "");
        morpho.enableIrm(irm);
        morpho.enableLltv(0.8e18);
        market = IMorpho.MarketParams(address(usdc), address(eth), price, irm, 0.8e18);
        morpho.createMarket(market);
        (bool set,) = price.call(abi.encodeWithSignature("setPrice(uint256)", 2000e24));
        assertTrue(set);
        _approve(address(morpho));
        vm.prank(BOB);
        morpho.supply(market, 100_000e6, 0, BOB, "");
        vm.startPrank(ALICE);
        morpho.supplyCollateral(market, 10e18, ALICE, "");
        morpho.borrow(market, 15_000e6, 0, ALICE, ALICE);
        vm.stopPrank();
    }

    function _aave() private {
        string[8] memory libraries = [
            "SupplyLogic",
            "BorrowLogic",
            "BridgeLogic",
            "EModeLogic",
            "FlashLoanLogic",
            "LiquidationLogic",
            "PoolLogic",
            "ConfiguratorLogic"
        ];
        for (uint160 i; i < 8; ++i) {
            bytes memory code = vm.parseJsonBytes(
                vm.readFile(string.concat("compare/out/", libraries[i], ".json")), ".deployedBytecode"
            );
            vm.etch(address(uint160(0xaa) << 152 | (i + 1)), code);
        }
        IAave provider = IAave(_deploy("PoolAddressesProvider", abi.encode("compare", address(this))));
        provider.setACLAdmin(address(this));
        IAave acl = IAave(_deploy("ACLManager", abi.encode(provider)));
        acl.addPoolAdmin(address(this));
        provider.setACLManager(address(acl));
        oracle = IAave(_deploy("PriceOracle", ""));
        oracle.setAssetPrice(address(eth), 2000e8);
        oracle.setAssetPrice(address(usdc), 1e8);
        provider.setPriceOracle(address(oracle));
        provider.setPoolImpl(_deploy("Pool", abi.encode(provider)));
        provider.setPoolConfiguratorImpl(_deploy("PoolConfigurator", ""));
        pool = IAave(provider.getPool());
        IAave configurator = IAave(provider.getPoolConfigurator());
        IAave.Reserve[] memory reserves = new IAave.Reserve[](2);
        reserves[0] = _reserve(address(provider), address(usdc), 6);
        reserves[1] = _reserve(address(provider), address(eth), 18);
        configurator.initReserves(reserves);
        configurator.configureReserveAsCollateral(address(eth), 8000, 8250, 10_500);
        configurator.setReserveBorrowing(address(usdc), true);
        _approve(address(pool));
        vm.prank(BOB);
        pool.supply(address(usdc), 100_000e6, BOB, 0);
        vm.startPrank(ALICE);
        pool.supply(address(eth), 10e18, ALICE, 0);
        pool.borrow(address(usdc), 15_000e6, 2, 0, ALICE);
        vm.stopPrank();
    }

    function _reserve(address provider, address token, uint8 decimals) private returns (IAave.Reserve memory r) {
        r.aTokenImpl = _deploy("AToken", abi.encode(pool));
        r.stableDebtTokenImpl = _deploy("StableDebtToken", abi.encode(pool));
        r.variableDebtTokenImpl = _deploy("VariableDebtToken", abi.encode(pool));
        r.underlyingAssetDecimals = decimals;
        r.interestRateStrategyAddress = _deploy(
            "DefaultReserveInterestRateStrategy",
            abi.encode(provider, 0.8e27, 0, 0.04e27, 0.75e27, 0.02e27, 0.75e27, 0.01e27, 0.08e27, 0.2e27)
        );
        r.underlyingAsset = token;
        r.treasury = address(0xfee);
        (r.aTokenName, r.variableDebtTokenName, r.stableDebtTokenName) = ("A", "V", "S");
        (r.aTokenSymbol, r.variableDebtTokenSymbol, r.stableDebtTokenSymbol) = ("A", "V", "S");
    }

    function _approve(address spender) private {
        for (uint256 i; i < 2; ++i) {
            vm.startPrank(i == 0 ? ALICE : BOB);
            eth.approve(spender, type(uint256).max);
            usdc.approve(spender, type(uint256).max);
            vm.stopPrank();
        }
    }

    function _deploy(string memory name, bytes memory args) private returns (address) {
        return deployFile(string.concat("compare/out/", name, ".json"), args);
    }
}
