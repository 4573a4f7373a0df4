<?xml version='1.0' encoding='UTF-8'?>
<esdl:EnergySystem xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:esdl="http://www.tno.nl/esdl" name="Heat network" description="A district heat network made by generate.py" id="heat-network" esdlVersion="v2609">
  <instance xsi:type="esdl:Instance" id="reference-year" name="Reference year">
    <area xsi:type="esdl:Area" id="main-area" name="Heat network" scope="NEIGHBOURHOOD">
      <asset xsi:type="esdl:Joint" id="plant-joint-supply" name="Plant joint supply">
        <geometry xsi:type="esdl:Point" lat="51.998" lon="4.357"/>
        <port xsi:type="esdl:InPort" id="plant-joint-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="geothermal-source.out.heat-supply peak-boiler.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="plant-joint-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="heat-storage.in.heat-supply main-pump.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="plant-joint-return" name="Plant joint return">
        <geometry xsi:type="esdl:Point" lat="51.998027" lon="4.357044"/>
        <port xsi:type="esdl:InPort" id="plant-joint-return.in.heat-return" name="In" carrier="heat-return" connectedTo="heat-storage.out.heat-return trunk-pipe-1-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="plant-joint-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="geothermal-source.in.heat-return peak-boiler.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:GeothermalSource" power="5000000.0" wellDepth="2200.0" COP="18.0" aquiferTemperature="78.0" id="geothermal-source" name="Geothermal source">
        <geometry xsi:type="esdl:Point" lat="51.99818" lon="4.355833"/>
        <port xsi:type="esdl:InPort" id="geothermal-source.in.heat-return" name="In" carrier="heat-return" connectedTo="plant-joint-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="geothermal-source.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="plant-joint-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:GasHeater" power="8000000.0" efficiency="0.95" id="peak-boiler" name="Peak boiler">
        <geometry xsi:type="esdl:Point" lat="51.997731" lon="4.356125"/>
        <port xsi:type="esdl:InPort" id="peak-boiler.in.heat-return" name="In" carrier="heat-return" connectedTo="plant-joint-return.out.heat-return"/>
        <port xsi:type="esdl:InPort" id="peak-boiler.in.gas" name="In" carrier="gas" connectedTo="gas-connection.out.gas"/>
        <port xsi:type="esdl:OutPort" id="peak-boiler.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="plant-joint-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:HeatStorage" capacity="216000000000.0" maxStorageTemperature="75.0" volume="1750.0" id="heat-storage" name="Heat storage">
        <geometry xsi:type="esdl:Point" lat="51.998359" lon="4.356562"/>
        <port xsi:type="esdl:InPort" id="heat-storage.in.heat-supply" name="In" carrier="heat-supply" connectedTo="plant-joint-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="heat-storage.out.heat-return" name="Out" carrier="heat-return" connectedTo="plant-joint-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Import" power="8421052.631578948" id="gas-connection" name="Gas connection">
        <geometry xsi:type="esdl:Point" lat="51.997641" lon="4.355687"/>
        <port xsi:type="esdl:OutPort" id="gas-connection.out.gas" name="Out" carrier="gas" connectedTo="peak-boiler.in.gas"/>
      </asset>
      <asset xsi:type="esdl:Pump" pumpEfficiency="0.75" id="main-pump" name="Main pump">
        <geometry xsi:type="esdl:Point" lat="51.998" lon="4.357146"/>
        <port xsi:type="esdl:InPort" id="main-pump.in.heat-supply" name="In" carrier="heat-supply" connectedTo="plant-joint-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="main-pump.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="trunk-pipe-1-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="trunk-joint-1-supply" name="Trunk joint 1 supply">
        <geometry xsi:type="esdl:Point" lat="51.998" lon="4.360793"/>
        <port xsi:type="esdl:InPort" id="trunk-joint-1-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="trunk-pipe-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="trunk-joint-1-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="elzenlaan-pipe-1-supply.in.heat-supply trunk-pipe-2-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="trunk-joint-1-return" name="Trunk joint 1 return">
        <geometry xsi:type="esdl:Point" lat="51.998027" lon="4.360837"/>
        <port xsi:type="esdl:InPort" id="trunk-joint-1-return.in.heat-return" name="In" carrier="heat-return" connectedTo="elzenlaan-pipe-1-return.out.heat-return trunk-pipe-2-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="trunk-joint-1-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="trunk-pipe-1-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="15421000.0" innerDiameter="0.263" outerDiameter="0.45" length="260.0" diameter="DN250" id="trunk-pipe-1-supply" name="Trunk pipe 1 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998" lon="4.357"/>
          <point xsi:type="esdl:Point" lat="51.998" lon="4.360793"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="trunk-pipe-1-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="main-pump.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="trunk-pipe-1-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="trunk-joint-1-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="trunk-pipe-1-supply.wall" reference="wall-dn250"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="15421000.0" innerDiameter="0.263" outerDiameter="0.45" length="260.0" diameter="DN250" id="trunk-pipe-1-return" name="Trunk pipe 1 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998027" lon="4.360837"/>
          <point xsi:type="esdl:Point" lat="51.998027" lon="4.357044"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="trunk-pipe-1-return.in.heat-return" name="In" carrier="heat-return" connectedTo="trunk-joint-1-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="trunk-pipe-1-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="plant-joint-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="trunk-pipe-1-return.wall" reference="wall-dn250"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="elzenlaan-joint-1-supply" name="Elzenlaan joint 1 supply">
        <geometry xsi:type="esdl:Point" lat="51.998764" lon="4.360793"/>
        <port xsi:type="esdl:InPort" id="elzenlaan-joint-1-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="elzenlaan-pipe-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-joint-1-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="elzenlaan-1-service-supply.in.heat-supply elzenlaan-2-service-supply.in.heat-supply elzenlaan-pipe-2-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="elzenlaan-joint-1-return" name="Elzenlaan joint 1 return">
        <geometry xsi:type="esdl:Point" lat="51.998791" lon="4.360837"/>
        <port xsi:type="esdl:InPort" id="elzenlaan-joint-1-return.in.heat-return" name="In" carrier="heat-return" connectedTo="elzenlaan-1-service-return.out.heat-return elzenlaan-2-service-return.out.heat-return elzenlaan-pipe-2-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-joint-1-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="elzenlaan-pipe-1-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="1445000.0" innerDiameter="0.1071" outerDiameter="0.225" length="85.0" diameter="DN100" id="elzenlaan-pipe-1-supply" name="Elzenlaan pipe 1 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998" lon="4.360793"/>
          <point xsi:type="esdl:Point" lat="51.998764" lon="4.360793"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="elzenlaan-pipe-1-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="trunk-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-pipe-1-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="elzenlaan-joint-1-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="elzenlaan-pipe-1-supply.wall" reference="wall-dn100"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="1445000.0" innerDiameter="0.1071" outerDiameter="0.225" length="85.0" diameter="DN100" id="elzenlaan-pipe-1-return" name="Elzenlaan pipe 1 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998791" lon="4.360837"/>
          <point xsi:type="esdl:Point" lat="51.998027" lon="4.360837"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="elzenlaan-pipe-1-return.in.heat-return" name="In" carrier="heat-return" connectedTo="elzenlaan-joint-1-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-pipe-1-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="trunk-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="elzenlaan-pipe-1-return.wall" reference="wall-dn100"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="elzenlaan-1-service-supply" name="Elzenlaan 1 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998764" lon="4.360793"/>
          <point xsi:type="esdl:Point" lat="51.998764" lon="4.360473"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="elzenlaan-1-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="elzenlaan-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-1-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="elzenlaan-1.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="elzenlaan-1-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="elzenlaan-1-service-return" name="Elzenlaan 1 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998791" lon="4.360516"/>
          <point xsi:type="esdl:Point" lat="51.998791" lon="4.360837"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="elzenlaan-1-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="elzenlaan-1.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-1-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="elzenlaan-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="elzenlaan-1-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="180000.0" type="SH_AND_HTW" id="elzenlaan-1" name="Elzenlaan 1">
        <geometry xsi:type="esdl:Point" lat="51.998764" lon="4.360473"/>
        <port xsi:type="esdl:InPort" id="elzenlaan-1.in.heat-supply" name="In" carrier="heat-supply" connectedTo="elzenlaan-1-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-1.out.heat-return" name="Out" carrier="heat-return" connectedTo="elzenlaan-1-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="elzenlaan-2-service-supply" name="Elzenlaan 2 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998764" lon="4.360793"/>
          <point xsi:type="esdl:Point" lat="51.998764" lon="4.36129"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="elzenlaan-2-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="elzenlaan-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-2-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="elzenlaan-2.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="elzenlaan-2-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="elzenlaan-2-service-return" name="Elzenlaan 2 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998791" lon="4.361333"/>
          <point xsi:type="esdl:Point" lat="51.998791" lon="4.360837"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="elzenlaan-2-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="elzenlaan-2.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-2-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="elzenlaan-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="elzenlaan-2-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="210000.0" type="SH_AND_HTW" id="elzenlaan-2" name="Elzenlaan 2">
        <geometry xsi:type="esdl:Point" lat="51.998764" lon="4.36129"/>
        <port xsi:type="esdl:InPort" id="elzenlaan-2.in.heat-supply" name="In" carrier="heat-supply" connectedTo="elzenlaan-2-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-2.out.heat-return" name="Out" carrier="heat-return" connectedTo="elzenlaan-2-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="elzenlaan-joint-2-supply" name="Elzenlaan joint 2 supply">
        <geometry xsi:type="esdl:Point" lat="51.999527" lon="4.360793"/>
        <port xsi:type="esdl:InPort" id="elzenlaan-joint-2-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="elzenlaan-pipe-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-joint-2-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="elzenlaan-3-service-supply.in.heat-supply elzenlaan-4-service-supply.in.heat-supply elzenlaan-pipe-3-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="elzenlaan-joint-2-return" name="Elzenlaan joint 2 return">
        <geometry xsi:type="esdl:Point" lat="51.999554" lon="4.360837"/>
        <port xsi:type="esdl:InPort" id="elzenlaan-joint-2-return.in.heat-return" name="In" carrier="heat-return" connectedTo="elzenlaan-3-service-return.out.heat-return elzenlaan-4-service-return.out.heat-return elzenlaan-pipe-3-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-joint-2-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="elzenlaan-pipe-2-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="792000.0" innerDiameter="0.0825" outerDiameter="0.18" length="85.0" diameter="DN80" id="elzenlaan-pipe-2-supply" name="Elzenlaan pipe 2 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998764" lon="4.360793"/>
          <point xsi:type="esdl:Point" lat="51.999527" lon="4.360793"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="elzenlaan-pipe-2-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="elzenlaan-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-pipe-2-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="elzenlaan-joint-2-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="elzenlaan-pipe-2-supply.wall" reference="wall-dn80"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="792000.0" innerDiameter="0.0825" outerDiameter="0.18" length="85.0" diameter="DN80" id="elzenlaan-pipe-2-return" name="Elzenlaan pipe 2 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.999554" lon="4.360837"/>
          <point xsi:type="esdl:Point" lat="51.998791" lon="4.360837"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="elzenlaan-pipe-2-return.in.heat-return" name="In" carrier="heat-return" connectedTo="elzenlaan-joint-2-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-pipe-2-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="elzenlaan-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="elzenlaan-pipe-2-return.wall" reference="wall-dn80"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="elzenlaan-3-service-supply" name="Elzenlaan 3 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.999527" lon="4.360793"/>
          <point xsi:type="esdl:Point" lat="51.999527" lon="4.360473"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="elzenlaan-3-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="elzenlaan-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-3-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="elzenlaan-3.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="elzenlaan-3-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="elzenlaan-3-service-return" name="Elzenlaan 3 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.999554" lon="4.360516"/>
          <point xsi:type="esdl:Point" lat="51.999554" lon="4.360837"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="elzenlaan-3-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="elzenlaan-3.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-3-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="elzenlaan-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="elzenlaan-3-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="195000.0" type="SH_AND_HTW" id="elzenlaan-3" name="Elzenlaan 3">
        <geometry xsi:type="esdl:Point" lat="51.999527" lon="4.360473"/>
        <port xsi:type="esdl:InPort" id="elzenlaan-3.in.heat-supply" name="In" carrier="heat-supply" connectedTo="elzenlaan-3-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-3.out.heat-return" name="Out" carrier="heat-return" connectedTo="elzenlaan-3-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="elzenlaan-4-service-supply" name="Elzenlaan 4 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.999527" lon="4.360793"/>
          <point xsi:type="esdl:Point" lat="51.999527" lon="4.36129"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="elzenlaan-4-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="elzenlaan-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-4-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="elzenlaan-4.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="elzenlaan-4-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="elzenlaan-4-service-return" name="Elzenlaan 4 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.999554" lon="4.361333"/>
          <point xsi:type="esdl:Point" lat="51.999554" lon="4.360837"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="elzenlaan-4-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="elzenlaan-4.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-4-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="elzenlaan-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="elzenlaan-4-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="240000.0" type="SH_AND_HTW" id="elzenlaan-4" name="Elzenlaan 4">
        <geometry xsi:type="esdl:Point" lat="51.999527" lon="4.36129"/>
        <port xsi:type="esdl:InPort" id="elzenlaan-4.in.heat-supply" name="In" carrier="heat-supply" connectedTo="elzenlaan-4-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-4.out.heat-return" name="Out" carrier="heat-return" connectedTo="elzenlaan-4-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="elzenlaan-joint-3-supply" name="Elzenlaan joint 3 supply">
        <geometry xsi:type="esdl:Point" lat="52.000291" lon="4.360793"/>
        <port xsi:type="esdl:InPort" id="elzenlaan-joint-3-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="elzenlaan-pipe-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-joint-3-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="elzenlaan-5-service-supply.in.heat-supply elzenlaan-6-service-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="elzenlaan-joint-3-return" name="Elzenlaan joint 3 return">
        <geometry xsi:type="esdl:Point" lat="52.000318" lon="4.360837"/>
        <port xsi:type="esdl:InPort" id="elzenlaan-joint-3-return.in.heat-return" name="In" carrier="heat-return" connectedTo="elzenlaan-5-service-return.out.heat-return elzenlaan-6-service-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-joint-3-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="elzenlaan-pipe-3-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="85.0" diameter="DN50" id="elzenlaan-pipe-3-supply" name="Elzenlaan pipe 3 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.999527" lon="4.360793"/>
          <point xsi:type="esdl:Point" lat="52.000291" lon="4.360793"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="elzenlaan-pipe-3-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="elzenlaan-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-pipe-3-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="elzenlaan-joint-3-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="elzenlaan-pipe-3-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="85.0" diameter="DN50" id="elzenlaan-pipe-3-return" name="Elzenlaan pipe 3 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="52.000318" lon="4.360837"/>
          <point xsi:type="esdl:Point" lat="51.999554" lon="4.360837"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="elzenlaan-pipe-3-return.in.heat-return" name="In" carrier="heat-return" connectedTo="elzenlaan-joint-3-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-pipe-3-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="elzenlaan-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="elzenlaan-pipe-3-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="elzenlaan-5-service-supply" name="Elzenlaan 5 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="52.000291" lon="4.360793"/>
          <point xsi:type="esdl:Point" lat="52.000291" lon="4.360473"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="elzenlaan-5-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="elzenlaan-joint-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-5-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="elzenlaan-5.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="elzenlaan-5-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="elzenlaan-5-service-return" name="Elzenlaan 5 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="52.000318" lon="4.360516"/>
          <point xsi:type="esdl:Point" lat="52.000318" lon="4.360837"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="elzenlaan-5-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="elzenlaan-5.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-5-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="elzenlaan-joint-3-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="elzenlaan-5-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-retail" power="120000.0" type="SH_AND_HTW" id="elzenlaan-5" name="Elzenlaan 5">
        <geometry xsi:type="esdl:Point" lat="52.000291" lon="4.360473"/>
        <port xsi:type="esdl:InPort" id="elzenlaan-5.in.heat-supply" name="In" carrier="heat-supply" connectedTo="elzenlaan-5-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-5.out.heat-return" name="Out" carrier="heat-return" connectedTo="elzenlaan-5-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="elzenlaan-6-service-supply" name="Elzenlaan 6 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="52.000291" lon="4.360793"/>
          <point xsi:type="esdl:Point" lat="52.000291" lon="4.36129"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="elzenlaan-6-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="elzenlaan-joint-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-6-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="elzenlaan-6.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="elzenlaan-6-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="elzenlaan-6-service-return" name="Elzenlaan 6 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="52.000318" lon="4.361333"/>
          <point xsi:type="esdl:Point" lat="52.000318" lon="4.360837"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="elzenlaan-6-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="elzenlaan-6.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-6-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="elzenlaan-joint-3-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="elzenlaan-6-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="165000.0" type="SH_AND_HTW" id="elzenlaan-6" name="Elzenlaan 6">
        <geometry xsi:type="esdl:Point" lat="52.000291" lon="4.36129"/>
        <port xsi:type="esdl:InPort" id="elzenlaan-6.in.heat-supply" name="In" carrier="heat-supply" connectedTo="elzenlaan-6-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="elzenlaan-6.out.heat-return" name="Out" carrier="heat-return" connectedTo="elzenlaan-6-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="trunk-joint-2-supply" name="Trunk joint 2 supply">
        <geometry xsi:type="esdl:Point" lat="51.998" lon="4.364587"/>
        <port xsi:type="esdl:InPort" id="trunk-joint-2-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="trunk-pipe-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="trunk-joint-2-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="beukenlaan-pipe-1-supply.in.heat-supply trunk-pipe-3-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="trunk-joint-2-return" name="Trunk joint 2 return">
        <geometry xsi:type="esdl:Point" lat="51.998027" lon="4.364631"/>
        <port xsi:type="esdl:InPort" id="trunk-joint-2-return.in.heat-return" name="In" carrier="heat-return" connectedTo="beukenlaan-pipe-1-return.out.heat-return trunk-pipe-3-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="trunk-joint-2-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="trunk-pipe-2-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="15421000.0" innerDiameter="0.263" outerDiameter="0.45" length="260.0" diameter="DN250" id="trunk-pipe-2-supply" name="Trunk pipe 2 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998" lon="4.360793"/>
          <point xsi:type="esdl:Point" lat="51.998" lon="4.364587"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="trunk-pipe-2-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="trunk-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="trunk-pipe-2-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="trunk-joint-2-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="trunk-pipe-2-supply.wall" reference="wall-dn250"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="15421000.0" innerDiameter="0.263" outerDiameter="0.45" length="260.0" diameter="DN250" id="trunk-pipe-2-return" name="Trunk pipe 2 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998027" lon="4.364631"/>
          <point xsi:type="esdl:Point" lat="51.998027" lon="4.360837"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="trunk-pipe-2-return.in.heat-return" name="In" carrier="heat-return" connectedTo="trunk-joint-2-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="trunk-pipe-2-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="trunk-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="trunk-pipe-2-return.wall" reference="wall-dn250"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="beukenlaan-joint-1-supply" name="Beukenlaan joint 1 supply">
        <geometry xsi:type="esdl:Point" lat="51.997236" lon="4.364587"/>
        <port xsi:type="esdl:InPort" id="beukenlaan-joint-1-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="beukenlaan-pipe-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-joint-1-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="beukenlaan-1-service-supply.in.heat-supply beukenlaan-2-service-supply.in.heat-supply beukenlaan-pipe-2-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="beukenlaan-joint-1-return" name="Beukenlaan joint 1 return">
        <geometry xsi:type="esdl:Point" lat="51.997263" lon="4.364631"/>
        <port xsi:type="esdl:InPort" id="beukenlaan-joint-1-return.in.heat-return" name="In" carrier="heat-return" connectedTo="beukenlaan-1-service-return.out.heat-return beukenlaan-2-service-return.out.heat-return beukenlaan-pipe-2-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-joint-1-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="beukenlaan-pipe-1-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="1445000.0" innerDiameter="0.1071" outerDiameter="0.225" length="85.0" diameter="DN100" id="beukenlaan-pipe-1-supply" name="Beukenlaan pipe 1 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998" lon="4.364587"/>
          <point xsi:type="esdl:Point" lat="51.997236" lon="4.364587"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="beukenlaan-pipe-1-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="trunk-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-pipe-1-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="beukenlaan-joint-1-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="beukenlaan-pipe-1-supply.wall" reference="wall-dn100"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="1445000.0" innerDiameter="0.1071" outerDiameter="0.225" length="85.0" diameter="DN100" id="beukenlaan-pipe-1-return" name="Beukenlaan pipe 1 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.997263" lon="4.364631"/>
          <point xsi:type="esdl:Point" lat="51.998027" lon="4.364631"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="beukenlaan-pipe-1-return.in.heat-return" name="In" carrier="heat-return" connectedTo="beukenlaan-joint-1-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-pipe-1-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="trunk-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="beukenlaan-pipe-1-return.wall" reference="wall-dn100"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="beukenlaan-1-service-supply" name="Beukenlaan 1 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.997236" lon="4.364587"/>
          <point xsi:type="esdl:Point" lat="51.997236" lon="4.364266"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="beukenlaan-1-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="beukenlaan-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-1-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="beukenlaan-1.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="beukenlaan-1-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="beukenlaan-1-service-return" name="Beukenlaan 1 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.997263" lon="4.36431"/>
          <point xsi:type="esdl:Point" lat="51.997263" lon="4.364631"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="beukenlaan-1-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="beukenlaan-1.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-1-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="beukenlaan-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="beukenlaan-1-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="260000.0" type="SH_AND_HTW" id="beukenlaan-1" name="Beukenlaan 1">
        <geometry xsi:type="esdl:Point" lat="51.997236" lon="4.364266"/>
        <port xsi:type="esdl:InPort" id="beukenlaan-1.in.heat-supply" name="In" carrier="heat-supply" connectedTo="beukenlaan-1-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-1.out.heat-return" name="Out" carrier="heat-return" connectedTo="beukenlaan-1-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="beukenlaan-2-service-supply" name="Beukenlaan 2 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.997236" lon="4.364587"/>
          <point xsi:type="esdl:Point" lat="51.997236" lon="4.365083"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="beukenlaan-2-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="beukenlaan-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-2-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="beukenlaan-2.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="beukenlaan-2-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="beukenlaan-2-service-return" name="Beukenlaan 2 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.997263" lon="4.365127"/>
          <point xsi:type="esdl:Point" lat="51.997263" lon="4.364631"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="beukenlaan-2-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="beukenlaan-2.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-2-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="beukenlaan-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="beukenlaan-2-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="225000.0" type="SH_AND_HTW" id="beukenlaan-2" name="Beukenlaan 2">
        <geometry xsi:type="esdl:Point" lat="51.997236" lon="4.365083"/>
        <port xsi:type="esdl:InPort" id="beukenlaan-2.in.heat-supply" name="In" carrier="heat-supply" connectedTo="beukenlaan-2-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-2.out.heat-return" name="Out" carrier="heat-return" connectedTo="beukenlaan-2-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="beukenlaan-joint-2-supply" name="Beukenlaan joint 2 supply">
        <geometry xsi:type="esdl:Point" lat="51.996473" lon="4.364587"/>
        <port xsi:type="esdl:InPort" id="beukenlaan-joint-2-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="beukenlaan-pipe-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-joint-2-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="beukenlaan-3-service-supply.in.heat-supply beukenlaan-4-service-supply.in.heat-supply beukenlaan-pipe-3-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="beukenlaan-joint-2-return" name="Beukenlaan joint 2 return">
        <geometry xsi:type="esdl:Point" lat="51.9965" lon="4.364631"/>
        <port xsi:type="esdl:InPort" id="beukenlaan-joint-2-return.in.heat-return" name="In" carrier="heat-return" connectedTo="beukenlaan-3-service-return.out.heat-return beukenlaan-4-service-return.out.heat-return beukenlaan-pipe-3-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-joint-2-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="beukenlaan-pipe-2-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="1445000.0" innerDiameter="0.1071" outerDiameter="0.225" length="85.0" diameter="DN100" id="beukenlaan-pipe-2-supply" name="Beukenlaan pipe 2 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.997236" lon="4.364587"/>
          <point xsi:type="esdl:Point" lat="51.996473" lon="4.364587"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="beukenlaan-pipe-2-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="beukenlaan-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-pipe-2-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="beukenlaan-joint-2-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="beukenlaan-pipe-2-supply.wall" reference="wall-dn100"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="1445000.0" innerDiameter="0.1071" outerDiameter="0.225" length="85.0" diameter="DN100" id="beukenlaan-pipe-2-return" name="Beukenlaan pipe 2 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.9965" lon="4.364631"/>
          <point xsi:type="esdl:Point" lat="51.997263" lon="4.364631"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="beukenlaan-pipe-2-return.in.heat-return" name="In" carrier="heat-return" connectedTo="beukenlaan-joint-2-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-pipe-2-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="beukenlaan-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="beukenlaan-pipe-2-return.wall" reference="wall-dn100"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="22.0" diameter="DN65" id="beukenlaan-3-service-supply" name="Beukenlaan 3 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.996473" lon="4.364587"/>
          <point xsi:type="esdl:Point" lat="51.996473" lon="4.364266"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="beukenlaan-3-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="beukenlaan-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-3-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="beukenlaan-3.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="beukenlaan-3-service-supply.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="22.0" diameter="DN65" id="beukenlaan-3-service-return" name="Beukenlaan 3 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.9965" lon="4.36431"/>
          <point xsi:type="esdl:Point" lat="51.9965" lon="4.364631"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="beukenlaan-3-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="beukenlaan-3.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-3-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="beukenlaan-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="beukenlaan-3-service-return.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-education" power="310000.0" type="SH_AND_HTW" id="beukenlaan-3" name="Beukenlaan 3">
        <geometry xsi:type="esdl:Point" lat="51.996473" lon="4.364266"/>
        <port xsi:type="esdl:InPort" id="beukenlaan-3.in.heat-supply" name="In" carrier="heat-supply" connectedTo="beukenlaan-3-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-3.out.heat-return" name="Out" carrier="heat-return" connectedTo="beukenlaan-3-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="beukenlaan-4-service-supply" name="Beukenlaan 4 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.996473" lon="4.364587"/>
          <point xsi:type="esdl:Point" lat="51.996473" lon="4.365083"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="beukenlaan-4-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="beukenlaan-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-4-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="beukenlaan-4.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="beukenlaan-4-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="beukenlaan-4-service-return" name="Beukenlaan 4 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.9965" lon="4.365127"/>
          <point xsi:type="esdl:Point" lat="51.9965" lon="4.364631"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="beukenlaan-4-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="beukenlaan-4.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-4-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="beukenlaan-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="beukenlaan-4-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="190000.0" type="SH_AND_HTW" id="beukenlaan-4" name="Beukenlaan 4">
        <geometry xsi:type="esdl:Point" lat="51.996473" lon="4.365083"/>
        <port xsi:type="esdl:InPort" id="beukenlaan-4.in.heat-supply" name="In" carrier="heat-supply" connectedTo="beukenlaan-4-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-4.out.heat-return" name="Out" carrier="heat-return" connectedTo="beukenlaan-4-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="beukenlaan-joint-3-supply" name="Beukenlaan joint 3 supply">
        <geometry xsi:type="esdl:Point" lat="51.995709" lon="4.364587"/>
        <port xsi:type="esdl:InPort" id="beukenlaan-joint-3-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="beukenlaan-pipe-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-joint-3-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="beukenlaan-5-service-supply.in.heat-supply beukenlaan-6-service-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="beukenlaan-joint-3-return" name="Beukenlaan joint 3 return">
        <geometry xsi:type="esdl:Point" lat="51.995736" lon="4.364631"/>
        <port xsi:type="esdl:InPort" id="beukenlaan-joint-3-return.in.heat-return" name="In" carrier="heat-return" connectedTo="beukenlaan-5-service-return.out.heat-return beukenlaan-6-service-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-joint-3-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="beukenlaan-pipe-3-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="85.0" diameter="DN65" id="beukenlaan-pipe-3-supply" name="Beukenlaan pipe 3 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.996473" lon="4.364587"/>
          <point xsi:type="esdl:Point" lat="51.995709" lon="4.364587"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="beukenlaan-pipe-3-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="beukenlaan-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-pipe-3-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="beukenlaan-joint-3-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="beukenlaan-pipe-3-supply.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="85.0" diameter="DN65" id="beukenlaan-pipe-3-return" name="Beukenlaan pipe 3 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.995736" lon="4.364631"/>
          <point xsi:type="esdl:Point" lat="51.9965" lon="4.364631"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="beukenlaan-pipe-3-return.in.heat-return" name="In" carrier="heat-return" connectedTo="beukenlaan-joint-3-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-pipe-3-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="beukenlaan-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="beukenlaan-pipe-3-return.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="beukenlaan-5-service-supply" name="Beukenlaan 5 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.995709" lon="4.364587"/>
          <point xsi:type="esdl:Point" lat="51.995709" lon="4.364266"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="beukenlaan-5-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="beukenlaan-joint-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-5-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="beukenlaan-5.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="beukenlaan-5-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="beukenlaan-5-service-return" name="Beukenlaan 5 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.995736" lon="4.36431"/>
          <point xsi:type="esdl:Point" lat="51.995736" lon="4.364631"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="beukenlaan-5-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="beukenlaan-5.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-5-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="beukenlaan-joint-3-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="beukenlaan-5-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="205000.0" type="SH_AND_HTW" id="beukenlaan-5" name="Beukenlaan 5">
        <geometry xsi:type="esdl:Point" lat="51.995709" lon="4.364266"/>
        <port xsi:type="esdl:InPort" id="beukenlaan-5.in.heat-supply" name="In" carrier="heat-supply" connectedTo="beukenlaan-5-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-5.out.heat-return" name="Out" carrier="heat-return" connectedTo="beukenlaan-5-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="beukenlaan-6-service-supply" name="Beukenlaan 6 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.995709" lon="4.364587"/>
          <point xsi:type="esdl:Point" lat="51.995709" lon="4.365083"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="beukenlaan-6-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="beukenlaan-joint-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-6-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="beukenlaan-6.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="beukenlaan-6-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="beukenlaan-6-service-return" name="Beukenlaan 6 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.995736" lon="4.365127"/>
          <point xsi:type="esdl:Point" lat="51.995736" lon="4.364631"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="beukenlaan-6-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="beukenlaan-6.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-6-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="beukenlaan-joint-3-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="beukenlaan-6-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="170000.0" type="SH_AND_HTW" id="beukenlaan-6" name="Beukenlaan 6">
        <geometry xsi:type="esdl:Point" lat="51.995709" lon="4.365083"/>
        <port xsi:type="esdl:InPort" id="beukenlaan-6.in.heat-supply" name="In" carrier="heat-supply" connectedTo="beukenlaan-6-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="beukenlaan-6.out.heat-return" name="Out" carrier="heat-return" connectedTo="beukenlaan-6-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="trunk-joint-3-supply" name="Trunk joint 3 supply">
        <geometry xsi:type="esdl:Point" lat="51.998" lon="4.36838"/>
        <port xsi:type="esdl:InPort" id="trunk-joint-3-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="trunk-pipe-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="trunk-joint-3-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="lindenlaan-pipe-1-supply.in.heat-supply trunk-pipe-4-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="trunk-joint-3-return" name="Trunk joint 3 return">
        <geometry xsi:type="esdl:Point" lat="51.998027" lon="4.368424"/>
        <port xsi:type="esdl:InPort" id="trunk-joint-3-return.in.heat-return" name="In" carrier="heat-return" connectedTo="lindenlaan-pipe-1-return.out.heat-return trunk-pipe-4-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="trunk-joint-3-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="trunk-pipe-3-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="8557000.0" innerDiameter="0.2101" outerDiameter="0.355" length="260.0" diameter="DN200" id="trunk-pipe-3-supply" name="Trunk pipe 3 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998" lon="4.364587"/>
          <point xsi:type="esdl:Point" lat="51.998" lon="4.36838"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="trunk-pipe-3-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="trunk-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="trunk-pipe-3-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="trunk-joint-3-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="trunk-pipe-3-supply.wall" reference="wall-dn200"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="8557000.0" innerDiameter="0.2101" outerDiameter="0.355" length="260.0" diameter="DN200" id="trunk-pipe-3-return" name="Trunk pipe 3 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998027" lon="4.368424"/>
          <point xsi:type="esdl:Point" lat="51.998027" lon="4.364631"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="trunk-pipe-3-return.in.heat-return" name="In" carrier="heat-return" connectedTo="trunk-joint-3-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="trunk-pipe-3-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="trunk-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="trunk-pipe-3-return.wall" reference="wall-dn200"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="lindenlaan-joint-1-supply" name="Lindenlaan joint 1 supply">
        <geometry xsi:type="esdl:Point" lat="51.998764" lon="4.36838"/>
        <port xsi:type="esdl:InPort" id="lindenlaan-joint-1-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="lindenlaan-pipe-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-joint-1-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="lindenlaan-1-service-supply.in.heat-supply lindenlaan-2-service-supply.in.heat-supply lindenlaan-pipe-2-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="lindenlaan-joint-1-return" name="Lindenlaan joint 1 return">
        <geometry xsi:type="esdl:Point" lat="51.998791" lon="4.368424"/>
        <port xsi:type="esdl:InPort" id="lindenlaan-joint-1-return.in.heat-return" name="In" carrier="heat-return" connectedTo="lindenlaan-1-service-return.out.heat-return lindenlaan-2-service-return.out.heat-return lindenlaan-pipe-2-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-joint-1-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="lindenlaan-pipe-1-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="2553000.0" innerDiameter="0.1325" outerDiameter="0.25" length="85.0" diameter="DN125" id="lindenlaan-pipe-1-supply" name="Lindenlaan pipe 1 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998" lon="4.36838"/>
          <point xsi:type="esdl:Point" lat="51.998764" lon="4.36838"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="lindenlaan-pipe-1-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="trunk-joint-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-pipe-1-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="lindenlaan-joint-1-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="lindenlaan-pipe-1-supply.wall" reference="wall-dn125"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="2553000.0" innerDiameter="0.1325" outerDiameter="0.25" length="85.0" diameter="DN125" id="lindenlaan-pipe-1-return" name="Lindenlaan pipe 1 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998791" lon="4.368424"/>
          <point xsi:type="esdl:Point" lat="51.998027" lon="4.368424"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="lindenlaan-pipe-1-return.in.heat-return" name="In" carrier="heat-return" connectedTo="lindenlaan-joint-1-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-pipe-1-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="trunk-joint-3-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="lindenlaan-pipe-1-return.wall" reference="wall-dn125"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="22.0" diameter="DN65" id="lindenlaan-1-service-supply" name="Lindenlaan 1 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998764" lon="4.36838"/>
          <point xsi:type="esdl:Point" lat="51.998764" lon="4.368059"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="lindenlaan-1-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="lindenlaan-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-1-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="lindenlaan-1.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="lindenlaan-1-service-supply.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="22.0" diameter="DN65" id="lindenlaan-1-service-return" name="Lindenlaan 1 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998791" lon="4.368103"/>
          <point xsi:type="esdl:Point" lat="51.998791" lon="4.368424"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="lindenlaan-1-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="lindenlaan-1.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-1-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="lindenlaan-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="lindenlaan-1-service-return.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-offices" power="420000.0" type="SH_AND_HTW" id="lindenlaan-1" name="Lindenlaan 1">
        <geometry xsi:type="esdl:Point" lat="51.998764" lon="4.368059"/>
        <port xsi:type="esdl:InPort" id="lindenlaan-1.in.heat-supply" name="In" carrier="heat-supply" connectedTo="lindenlaan-1-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-1.out.heat-return" name="Out" carrier="heat-return" connectedTo="lindenlaan-1-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="34.0" diameter="DN65" id="lindenlaan-2-service-supply" name="Lindenlaan 2 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998764" lon="4.36838"/>
          <point xsi:type="esdl:Point" lat="51.998764" lon="4.368877"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="lindenlaan-2-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="lindenlaan-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-2-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="lindenlaan-2.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="lindenlaan-2-service-supply.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="34.0" diameter="DN65" id="lindenlaan-2-service-return" name="Lindenlaan 2 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998791" lon="4.36892"/>
          <point xsi:type="esdl:Point" lat="51.998791" lon="4.368424"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="lindenlaan-2-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="lindenlaan-2.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-2-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="lindenlaan-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="lindenlaan-2-service-return.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-offices" power="350000.0" type="SH_AND_HTW" id="lindenlaan-2" name="Lindenlaan 2">
        <geometry xsi:type="esdl:Point" lat="51.998764" lon="4.368877"/>
        <port xsi:type="esdl:InPort" id="lindenlaan-2.in.heat-supply" name="In" carrier="heat-supply" connectedTo="lindenlaan-2-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-2.out.heat-return" name="Out" carrier="heat-return" connectedTo="lindenlaan-2-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="lindenlaan-joint-2-supply" name="Lindenlaan joint 2 supply">
        <geometry xsi:type="esdl:Point" lat="51.999527" lon="4.36838"/>
        <port xsi:type="esdl:InPort" id="lindenlaan-joint-2-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="lindenlaan-pipe-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-joint-2-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="lindenlaan-3-service-supply.in.heat-supply lindenlaan-4-service-supply.in.heat-supply lindenlaan-pipe-3-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="lindenlaan-joint-2-return" name="Lindenlaan joint 2 return">
        <geometry xsi:type="esdl:Point" lat="51.999554" lon="4.368424"/>
        <port xsi:type="esdl:InPort" id="lindenlaan-joint-2-return.in.heat-return" name="In" carrier="heat-return" connectedTo="lindenlaan-3-service-return.out.heat-return lindenlaan-4-service-return.out.heat-return lindenlaan-pipe-3-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-joint-2-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="lindenlaan-pipe-2-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="1445000.0" innerDiameter="0.1071" outerDiameter="0.225" length="85.0" diameter="DN100" id="lindenlaan-pipe-2-supply" name="Lindenlaan pipe 2 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998764" lon="4.36838"/>
          <point xsi:type="esdl:Point" lat="51.999527" lon="4.36838"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="lindenlaan-pipe-2-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="lindenlaan-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-pipe-2-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="lindenlaan-joint-2-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="lindenlaan-pipe-2-supply.wall" reference="wall-dn100"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="1445000.0" innerDiameter="0.1071" outerDiameter="0.225" length="85.0" diameter="DN100" id="lindenlaan-pipe-2-return" name="Lindenlaan pipe 2 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.999554" lon="4.368424"/>
          <point xsi:type="esdl:Point" lat="51.998791" lon="4.368424"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="lindenlaan-pipe-2-return.in.heat-return" name="In" carrier="heat-return" connectedTo="lindenlaan-joint-2-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-pipe-2-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="lindenlaan-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="lindenlaan-pipe-2-return.wall" reference="wall-dn100"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="lindenlaan-3-service-supply" name="Lindenlaan 3 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.999527" lon="4.36838"/>
          <point xsi:type="esdl:Point" lat="51.999527" lon="4.368059"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="lindenlaan-3-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="lindenlaan-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-3-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="lindenlaan-3.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="lindenlaan-3-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="lindenlaan-3-service-return" name="Lindenlaan 3 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.999554" lon="4.368103"/>
          <point xsi:type="esdl:Point" lat="51.999554" lon="4.368424"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="lindenlaan-3-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="lindenlaan-3.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-3-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="lindenlaan-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="lindenlaan-3-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-retail" power="160000.0" type="SH_AND_HTW" id="lindenlaan-3" name="Lindenlaan 3">
        <geometry xsi:type="esdl:Point" lat="51.999527" lon="4.368059"/>
        <port xsi:type="esdl:InPort" id="lindenlaan-3.in.heat-supply" name="In" carrier="heat-supply" connectedTo="lindenlaan-3-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-3.out.heat-return" name="Out" carrier="heat-return" connectedTo="lindenlaan-3-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="lindenlaan-4-service-supply" name="Lindenlaan 4 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.999527" lon="4.36838"/>
          <point xsi:type="esdl:Point" lat="51.999527" lon="4.368877"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="lindenlaan-4-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="lindenlaan-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-4-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="lindenlaan-4.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="lindenlaan-4-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="lindenlaan-4-service-return" name="Lindenlaan 4 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.999554" lon="4.36892"/>
          <point xsi:type="esdl:Point" lat="51.999554" lon="4.368424"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="lindenlaan-4-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="lindenlaan-4.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-4-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="lindenlaan-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="lindenlaan-4-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-offices" power="280000.0" type="SH_AND_HTW" id="lindenlaan-4" name="Lindenlaan 4">
        <geometry xsi:type="esdl:Point" lat="51.999527" lon="4.368877"/>
        <port xsi:type="esdl:InPort" id="lindenlaan-4.in.heat-supply" name="In" carrier="heat-supply" connectedTo="lindenlaan-4-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-4.out.heat-return" name="Out" carrier="heat-return" connectedTo="lindenlaan-4-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="lindenlaan-joint-3-supply" name="Lindenlaan joint 3 supply">
        <geometry xsi:type="esdl:Point" lat="52.000291" lon="4.36838"/>
        <port xsi:type="esdl:InPort" id="lindenlaan-joint-3-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="lindenlaan-pipe-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-joint-3-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="lindenlaan-5-service-supply.in.heat-supply lindenlaan-6-service-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="lindenlaan-joint-3-return" name="Lindenlaan joint 3 return">
        <geometry xsi:type="esdl:Point" lat="52.000318" lon="4.368424"/>
        <port xsi:type="esdl:InPort" id="lindenlaan-joint-3-return.in.heat-return" name="In" carrier="heat-return" connectedTo="lindenlaan-5-service-return.out.heat-return lindenlaan-6-service-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-joint-3-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="lindenlaan-pipe-3-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="85.0" diameter="DN65" id="lindenlaan-pipe-3-supply" name="Lindenlaan pipe 3 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.999527" lon="4.36838"/>
          <point xsi:type="esdl:Point" lat="52.000291" lon="4.36838"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="lindenlaan-pipe-3-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="lindenlaan-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-pipe-3-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="lindenlaan-joint-3-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="lindenlaan-pipe-3-supply.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="85.0" diameter="DN65" id="lindenlaan-pipe-3-return" name="Lindenlaan pipe 3 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="52.000318" lon="4.368424"/>
          <point xsi:type="esdl:Point" lat="51.999554" lon="4.368424"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="lindenlaan-pipe-3-return.in.heat-return" name="In" carrier="heat-return" connectedTo="lindenlaan-joint-3-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-pipe-3-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="lindenlaan-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="lindenlaan-pipe-3-return.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="lindenlaan-5-service-supply" name="Lindenlaan 5 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="52.000291" lon="4.36838"/>
          <point xsi:type="esdl:Point" lat="52.000291" lon="4.368059"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="lindenlaan-5-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="lindenlaan-joint-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-5-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="lindenlaan-5.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="lindenlaan-5-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="lindenlaan-5-service-return" name="Lindenlaan 5 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="52.000318" lon="4.368103"/>
          <point xsi:type="esdl:Point" lat="52.000318" lon="4.368424"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="lindenlaan-5-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="lindenlaan-5.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-5-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="lindenlaan-joint-3-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="lindenlaan-5-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="230000.0" type="SH_AND_HTW" id="lindenlaan-5" name="Lindenlaan 5">
        <geometry xsi:type="esdl:Point" lat="52.000291" lon="4.368059"/>
        <port xsi:type="esdl:InPort" id="lindenlaan-5.in.heat-supply" name="In" carrier="heat-supply" connectedTo="lindenlaan-5-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-5.out.heat-return" name="Out" carrier="heat-return" connectedTo="lindenlaan-5-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="lindenlaan-6-service-supply" name="Lindenlaan 6 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="52.000291" lon="4.36838"/>
          <point xsi:type="esdl:Point" lat="52.000291" lon="4.368877"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="lindenlaan-6-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="lindenlaan-joint-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-6-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="lindenlaan-6.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="lindenlaan-6-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="lindenlaan-6-service-return" name="Lindenlaan 6 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="52.000318" lon="4.36892"/>
          <point xsi:type="esdl:Point" lat="52.000318" lon="4.368424"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="lindenlaan-6-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="lindenlaan-6.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-6-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="lindenlaan-joint-3-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="lindenlaan-6-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="150000.0" type="SH_AND_HTW" id="lindenlaan-6" name="Lindenlaan 6">
        <geometry xsi:type="esdl:Point" lat="52.000291" lon="4.368877"/>
        <port xsi:type="esdl:InPort" id="lindenlaan-6.in.heat-supply" name="In" carrier="heat-supply" connectedTo="lindenlaan-6-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="lindenlaan-6.out.heat-return" name="Out" carrier="heat-return" connectedTo="lindenlaan-6-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="trunk-joint-4-supply" name="Trunk joint 4 supply">
        <geometry xsi:type="esdl:Point" lat="51.998" lon="4.372174"/>
        <port xsi:type="esdl:InPort" id="trunk-joint-4-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="trunk-pipe-4-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="trunk-joint-4-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="kastanjelaan-pipe-1-supply.in.heat-supply booster-pump.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="trunk-joint-4-return" name="Trunk joint 4 return">
        <geometry xsi:type="esdl:Point" lat="51.998027" lon="4.372218"/>
        <port xsi:type="esdl:InPort" id="trunk-joint-4-return.in.heat-return" name="In" carrier="heat-return" connectedTo="kastanjelaan-pipe-1-return.out.heat-return trunk-pipe-5-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="trunk-joint-4-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="trunk-pipe-4-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="8557000.0" innerDiameter="0.2101" outerDiameter="0.355" length="260.0" diameter="DN200" id="trunk-pipe-4-supply" name="Trunk pipe 4 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998" lon="4.36838"/>
          <point xsi:type="esdl:Point" lat="51.998" lon="4.372174"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="trunk-pipe-4-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="trunk-joint-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="trunk-pipe-4-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="trunk-joint-4-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="trunk-pipe-4-supply.wall" reference="wall-dn200"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="8557000.0" innerDiameter="0.2101" outerDiameter="0.355" length="260.0" diameter="DN200" id="trunk-pipe-4-return" name="Trunk pipe 4 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998027" lon="4.372218"/>
          <point xsi:type="esdl:Point" lat="51.998027" lon="4.368424"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="trunk-pipe-4-return.in.heat-return" name="In" carrier="heat-return" connectedTo="trunk-joint-4-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="trunk-pipe-4-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="trunk-joint-3-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="trunk-pipe-4-return.wall" reference="wall-dn200"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="kastanjelaan-joint-1-supply" name="Kastanjelaan joint 1 supply">
        <geometry xsi:type="esdl:Point" lat="51.997236" lon="4.372174"/>
        <port xsi:type="esdl:InPort" id="kastanjelaan-joint-1-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="kastanjelaan-pipe-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-joint-1-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="kastanjelaan-1-service-supply.in.heat-supply kastanjelaan-2-service-supply.in.heat-supply kastanjelaan-pipe-2-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="kastanjelaan-joint-1-return" name="Kastanjelaan joint 1 return">
        <geometry xsi:type="esdl:Point" lat="51.997263" lon="4.372218"/>
        <port xsi:type="esdl:InPort" id="kastanjelaan-joint-1-return.in.heat-return" name="In" carrier="heat-return" connectedTo="kastanjelaan-1-service-return.out.heat-return kastanjelaan-2-service-return.out.heat-return kastanjelaan-pipe-2-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-joint-1-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="kastanjelaan-pipe-1-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="1445000.0" innerDiameter="0.1071" outerDiameter="0.225" length="85.0" diameter="DN100" id="kastanjelaan-pipe-1-supply" name="Kastanjelaan pipe 1 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998" lon="4.372174"/>
          <point xsi:type="esdl:Point" lat="51.997236" lon="4.372174"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="kastanjelaan-pipe-1-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="trunk-joint-4-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-pipe-1-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="kastanjelaan-joint-1-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="kastanjelaan-pipe-1-supply.wall" reference="wall-dn100"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="1445000.0" innerDiameter="0.1071" outerDiameter="0.225" length="85.0" diameter="DN100" id="kastanjelaan-pipe-1-return" name="Kastanjelaan pipe 1 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.997263" lon="4.372218"/>
          <point xsi:type="esdl:Point" lat="51.998027" lon="4.372218"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="kastanjelaan-pipe-1-return.in.heat-return" name="In" carrier="heat-return" connectedTo="kastanjelaan-joint-1-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-pipe-1-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="trunk-joint-4-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="kastanjelaan-pipe-1-return.wall" reference="wall-dn100"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="kastanjelaan-1-service-supply" name="Kastanjelaan 1 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.997236" lon="4.372174"/>
          <point xsi:type="esdl:Point" lat="51.997236" lon="4.371853"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="kastanjelaan-1-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="kastanjelaan-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-1-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="kastanjelaan-1.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="kastanjelaan-1-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="kastanjelaan-1-service-return" name="Kastanjelaan 1 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.997263" lon="4.371897"/>
          <point xsi:type="esdl:Point" lat="51.997263" lon="4.372218"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="kastanjelaan-1-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="kastanjelaan-1.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-1-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="kastanjelaan-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="kastanjelaan-1-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="275000.0" type="SH_AND_HTW" id="kastanjelaan-1" name="Kastanjelaan 1">
        <geometry xsi:type="esdl:Point" lat="51.997236" lon="4.371853"/>
        <port xsi:type="esdl:InPort" id="kastanjelaan-1.in.heat-supply" name="In" carrier="heat-supply" connectedTo="kastanjelaan-1-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-1.out.heat-return" name="Out" carrier="heat-return" connectedTo="kastanjelaan-1-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="kastanjelaan-2-service-supply" name="Kastanjelaan 2 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.997236" lon="4.372174"/>
          <point xsi:type="esdl:Point" lat="51.997236" lon="4.37267"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="kastanjelaan-2-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="kastanjelaan-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-2-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="kastanjelaan-2.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="kastanjelaan-2-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="kastanjelaan-2-service-return" name="Kastanjelaan 2 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.997263" lon="4.372714"/>
          <point xsi:type="esdl:Point" lat="51.997263" lon="4.372218"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="kastanjelaan-2-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="kastanjelaan-2.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-2-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="kastanjelaan-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="kastanjelaan-2-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="250000.0" type="SH_AND_HTW" id="kastanjelaan-2" name="Kastanjelaan 2">
        <geometry xsi:type="esdl:Point" lat="51.997236" lon="4.37267"/>
        <port xsi:type="esdl:InPort" id="kastanjelaan-2.in.heat-supply" name="In" carrier="heat-supply" connectedTo="kastanjelaan-2-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-2.out.heat-return" name="Out" carrier="heat-return" connectedTo="kastanjelaan-2-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="kastanjelaan-joint-2-supply" name="Kastanjelaan joint 2 supply">
        <geometry xsi:type="esdl:Point" lat="51.996473" lon="4.372174"/>
        <port xsi:type="esdl:InPort" id="kastanjelaan-joint-2-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="kastanjelaan-pipe-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-joint-2-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="kastanjelaan-3-service-supply.in.heat-supply kastanjelaan-4-service-supply.in.heat-supply kastanjelaan-pipe-3-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="kastanjelaan-joint-2-return" name="Kastanjelaan joint 2 return">
        <geometry xsi:type="esdl:Point" lat="51.9965" lon="4.372218"/>
        <port xsi:type="esdl:InPort" id="kastanjelaan-joint-2-return.in.heat-return" name="In" carrier="heat-return" connectedTo="kastanjelaan-3-service-return.out.heat-return kastanjelaan-4-service-return.out.heat-return kastanjelaan-pipe-3-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-joint-2-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="kastanjelaan-pipe-2-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="1445000.0" innerDiameter="0.1071" outerDiameter="0.225" length="85.0" diameter="DN100" id="kastanjelaan-pipe-2-supply" name="Kastanjelaan pipe 2 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.997236" lon="4.372174"/>
          <point xsi:type="esdl:Point" lat="51.996473" lon="4.372174"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="kastanjelaan-pipe-2-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="kastanjelaan-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-pipe-2-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="kastanjelaan-joint-2-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="kastanjelaan-pipe-2-supply.wall" reference="wall-dn100"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="1445000.0" innerDiameter="0.1071" outerDiameter="0.225" length="85.0" diameter="DN100" id="kastanjelaan-pipe-2-return" name="Kastanjelaan pipe 2 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.9965" lon="4.372218"/>
          <point xsi:type="esdl:Point" lat="51.997263" lon="4.372218"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="kastanjelaan-pipe-2-return.in.heat-return" name="In" carrier="heat-return" connectedTo="kastanjelaan-joint-2-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-pipe-2-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="kastanjelaan-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="kastanjelaan-pipe-2-return.wall" reference="wall-dn100"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="22.0" diameter="DN65" id="kastanjelaan-3-service-supply" name="Kastanjelaan 3 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.996473" lon="4.372174"/>
          <point xsi:type="esdl:Point" lat="51.996473" lon="4.371853"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="kastanjelaan-3-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="kastanjelaan-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-3-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="kastanjelaan-3.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="kastanjelaan-3-service-supply.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="22.0" diameter="DN65" id="kastanjelaan-3-service-return" name="Kastanjelaan 3 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.9965" lon="4.371897"/>
          <point xsi:type="esdl:Point" lat="51.9965" lon="4.372218"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="kastanjelaan-3-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="kastanjelaan-3.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-3-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="kastanjelaan-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="kastanjelaan-3-service-return.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-healthcare" power="380000.0" type="SH_AND_HTW" id="kastanjelaan-3" name="Kastanjelaan 3">
        <geometry xsi:type="esdl:Point" lat="51.996473" lon="4.371853"/>
        <port xsi:type="esdl:InPort" id="kastanjelaan-3.in.heat-supply" name="In" carrier="heat-supply" connectedTo="kastanjelaan-3-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-3.out.heat-return" name="Out" carrier="heat-return" connectedTo="kastanjelaan-3-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="kastanjelaan-4-service-supply" name="Kastanjelaan 4 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.996473" lon="4.372174"/>
          <point xsi:type="esdl:Point" lat="51.996473" lon="4.37267"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="kastanjelaan-4-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="kastanjelaan-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-4-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="kastanjelaan-4.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="kastanjelaan-4-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="kastanjelaan-4-service-return" name="Kastanjelaan 4 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.9965" lon="4.372714"/>
          <point xsi:type="esdl:Point" lat="51.9965" lon="4.372218"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="kastanjelaan-4-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="kastanjelaan-4.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-4-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="kastanjelaan-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="kastanjelaan-4-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="140000.0" type="SH_AND_HTW" id="kastanjelaan-4" name="Kastanjelaan 4">
        <geometry xsi:type="esdl:Point" lat="51.996473" lon="4.37267"/>
        <port xsi:type="esdl:InPort" id="kastanjelaan-4.in.heat-supply" name="In" carrier="heat-supply" connectedTo="kastanjelaan-4-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-4.out.heat-return" name="Out" carrier="heat-return" connectedTo="kastanjelaan-4-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="kastanjelaan-joint-3-supply" name="Kastanjelaan joint 3 supply">
        <geometry xsi:type="esdl:Point" lat="51.995709" lon="4.372174"/>
        <port xsi:type="esdl:InPort" id="kastanjelaan-joint-3-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="kastanjelaan-pipe-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-joint-3-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="kastanjelaan-5-service-supply.in.heat-supply kastanjelaan-6-service-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="kastanjelaan-joint-3-return" name="Kastanjelaan joint 3 return">
        <geometry xsi:type="esdl:Point" lat="51.995736" lon="4.372218"/>
        <port xsi:type="esdl:InPort" id="kastanjelaan-joint-3-return.in.heat-return" name="In" carrier="heat-return" connectedTo="kastanjelaan-5-service-return.out.heat-return kastanjelaan-6-service-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-joint-3-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="kastanjelaan-pipe-3-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="85.0" diameter="DN65" id="kastanjelaan-pipe-3-supply" name="Kastanjelaan pipe 3 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.996473" lon="4.372174"/>
          <point xsi:type="esdl:Point" lat="51.995709" lon="4.372174"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="kastanjelaan-pipe-3-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="kastanjelaan-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-pipe-3-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="kastanjelaan-joint-3-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="kastanjelaan-pipe-3-supply.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="85.0" diameter="DN65" id="kastanjelaan-pipe-3-return" name="Kastanjelaan pipe 3 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.995736" lon="4.372218"/>
          <point xsi:type="esdl:Point" lat="51.9965" lon="4.372218"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="kastanjelaan-pipe-3-return.in.heat-return" name="In" carrier="heat-return" connectedTo="kastanjelaan-joint-3-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-pipe-3-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="kastanjelaan-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="kastanjelaan-pipe-3-return.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="kastanjelaan-5-service-supply" name="Kastanjelaan 5 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.995709" lon="4.372174"/>
          <point xsi:type="esdl:Point" lat="51.995709" lon="4.371853"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="kastanjelaan-5-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="kastanjelaan-joint-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-5-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="kastanjelaan-5.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="kastanjelaan-5-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="kastanjelaan-5-service-return" name="Kastanjelaan 5 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.995736" lon="4.371897"/>
          <point xsi:type="esdl:Point" lat="51.995736" lon="4.372218"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="kastanjelaan-5-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="kastanjelaan-5.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-5-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="kastanjelaan-joint-3-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="kastanjelaan-5-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="155000.0" type="SH_AND_HTW" id="kastanjelaan-5" name="Kastanjelaan 5">
        <geometry xsi:type="esdl:Point" lat="51.995709" lon="4.371853"/>
        <port xsi:type="esdl:InPort" id="kastanjelaan-5.in.heat-supply" name="In" carrier="heat-supply" connectedTo="kastanjelaan-5-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-5.out.heat-return" name="Out" carrier="heat-return" connectedTo="kastanjelaan-5-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="kastanjelaan-6-service-supply" name="Kastanjelaan 6 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.995709" lon="4.372174"/>
          <point xsi:type="esdl:Point" lat="51.995709" lon="4.37267"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="kastanjelaan-6-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="kastanjelaan-joint-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-6-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="kastanjelaan-6.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="kastanjelaan-6-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="kastanjelaan-6-service-return" name="Kastanjelaan 6 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.995736" lon="4.372714"/>
          <point xsi:type="esdl:Point" lat="51.995736" lon="4.372218"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="kastanjelaan-6-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="kastanjelaan-6.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-6-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="kastanjelaan-joint-3-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="kastanjelaan-6-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="185000.0" type="SH_AND_HTW" id="kastanjelaan-6" name="Kastanjelaan 6">
        <geometry xsi:type="esdl:Point" lat="51.995709" lon="4.37267"/>
        <port xsi:type="esdl:InPort" id="kastanjelaan-6.in.heat-supply" name="In" carrier="heat-supply" connectedTo="kastanjelaan-6-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="kastanjelaan-6.out.heat-return" name="Out" carrier="heat-return" connectedTo="kastanjelaan-6-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pump" pumpEfficiency="0.75" id="booster-pump" name="Booster pump">
        <geometry xsi:type="esdl:Point" lat="51.998" lon="4.37232"/>
        <port xsi:type="esdl:InPort" id="booster-pump.in.heat-supply" name="In" carrier="heat-supply" connectedTo="trunk-joint-4-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="booster-pump.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="trunk-pipe-5-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="trunk-joint-5-supply" name="Trunk joint 5 supply">
        <geometry xsi:type="esdl:Point" lat="51.998" lon="4.375967"/>
        <port xsi:type="esdl:InPort" id="trunk-joint-5-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="trunk-pipe-5-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="trunk-joint-5-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="wilgenlaan-pipe-1-supply.in.heat-supply trunk-pipe-6-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="trunk-joint-5-return" name="Trunk joint 5 return">
        <geometry xsi:type="esdl:Point" lat="51.998027" lon="4.376011"/>
        <port xsi:type="esdl:InPort" id="trunk-joint-5-return.in.heat-return" name="In" carrier="heat-return" connectedTo="wilgenlaan-pipe-1-return.out.heat-return trunk-pipe-6-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="trunk-joint-5-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="trunk-pipe-5-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="8557000.0" innerDiameter="0.2101" outerDiameter="0.355" length="260.0" diameter="DN200" id="trunk-pipe-5-supply" name="Trunk pipe 5 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998" lon="4.372174"/>
          <point xsi:type="esdl:Point" lat="51.998" lon="4.375967"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="trunk-pipe-5-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="booster-pump.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="trunk-pipe-5-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="trunk-joint-5-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="trunk-pipe-5-supply.wall" reference="wall-dn200"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="8557000.0" innerDiameter="0.2101" outerDiameter="0.355" length="260.0" diameter="DN200" id="trunk-pipe-5-return" name="Trunk pipe 5 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998027" lon="4.376011"/>
          <point xsi:type="esdl:Point" lat="51.998027" lon="4.372218"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="trunk-pipe-5-return.in.heat-return" name="In" carrier="heat-return" connectedTo="trunk-joint-5-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="trunk-pipe-5-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="trunk-joint-4-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="trunk-pipe-5-return.wall" reference="wall-dn200"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="wilgenlaan-joint-1-supply" name="Wilgenlaan joint 1 supply">
        <geometry xsi:type="esdl:Point" lat="51.998764" lon="4.375967"/>
        <port xsi:type="esdl:InPort" id="wilgenlaan-joint-1-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="wilgenlaan-pipe-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-joint-1-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="wilgenlaan-1-service-supply.in.heat-supply wilgenlaan-2-service-supply.in.heat-supply wilgenlaan-pipe-2-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="wilgenlaan-joint-1-return" name="Wilgenlaan joint 1 return">
        <geometry xsi:type="esdl:Point" lat="51.998791" lon="4.376011"/>
        <port xsi:type="esdl:InPort" id="wilgenlaan-joint-1-return.in.heat-return" name="In" carrier="heat-return" connectedTo="wilgenlaan-1-service-return.out.heat-return wilgenlaan-2-service-return.out.heat-return wilgenlaan-pipe-2-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-joint-1-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="wilgenlaan-pipe-1-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="2553000.0" innerDiameter="0.1325" outerDiameter="0.25" length="85.0" diameter="DN125" id="wilgenlaan-pipe-1-supply" name="Wilgenlaan pipe 1 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998" lon="4.375967"/>
          <point xsi:type="esdl:Point" lat="51.998764" lon="4.375967"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="wilgenlaan-pipe-1-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="trunk-joint-5-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-pipe-1-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="wilgenlaan-joint-1-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="wilgenlaan-pipe-1-supply.wall" reference="wall-dn125"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="2553000.0" innerDiameter="0.1325" outerDiameter="0.25" length="85.0" diameter="DN125" id="wilgenlaan-pipe-1-return" name="Wilgenlaan pipe 1 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998791" lon="4.376011"/>
          <point xsi:type="esdl:Point" lat="51.998027" lon="4.376011"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="wilgenlaan-pipe-1-return.in.heat-return" name="In" carrier="heat-return" connectedTo="wilgenlaan-joint-1-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-pipe-1-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="trunk-joint-5-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="wilgenlaan-pipe-1-return.wall" reference="wall-dn125"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="22.0" diameter="DN65" id="wilgenlaan-1-service-supply" name="Wilgenlaan 1 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998764" lon="4.375967"/>
          <point xsi:type="esdl:Point" lat="51.998764" lon="4.375646"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="wilgenlaan-1-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="wilgenlaan-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-1-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="wilgenlaan-1.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="wilgenlaan-1-service-supply.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="22.0" diameter="DN65" id="wilgenlaan-1-service-return" name="Wilgenlaan 1 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998791" lon="4.37569"/>
          <point xsi:type="esdl:Point" lat="51.998791" lon="4.376011"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="wilgenlaan-1-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="wilgenlaan-1.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-1-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="wilgenlaan-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="wilgenlaan-1-service-return.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="320000.0" type="SH_AND_HTW" id="wilgenlaan-1" name="Wilgenlaan 1">
        <geometry xsi:type="esdl:Point" lat="51.998764" lon="4.375646"/>
        <port xsi:type="esdl:InPort" id="wilgenlaan-1.in.heat-supply" name="In" carrier="heat-supply" connectedTo="wilgenlaan-1-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-1.out.heat-return" name="Out" carrier="heat-return" connectedTo="wilgenlaan-1-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="34.0" diameter="DN65" id="wilgenlaan-2-service-supply" name="Wilgenlaan 2 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998764" lon="4.375967"/>
          <point xsi:type="esdl:Point" lat="51.998764" lon="4.376464"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="wilgenlaan-2-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="wilgenlaan-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-2-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="wilgenlaan-2.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="wilgenlaan-2-service-supply.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="34.0" diameter="DN65" id="wilgenlaan-2-service-return" name="Wilgenlaan 2 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998791" lon="4.376507"/>
          <point xsi:type="esdl:Point" lat="51.998791" lon="4.376011"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="wilgenlaan-2-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="wilgenlaan-2.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-2-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="wilgenlaan-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="wilgenlaan-2-service-return.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="290000.0" type="SH_AND_HTW" id="wilgenlaan-2" name="Wilgenlaan 2">
        <geometry xsi:type="esdl:Point" lat="51.998764" lon="4.376464"/>
        <port xsi:type="esdl:InPort" id="wilgenlaan-2.in.heat-supply" name="In" carrier="heat-supply" connectedTo="wilgenlaan-2-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-2.out.heat-return" name="Out" carrier="heat-return" connectedTo="wilgenlaan-2-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="wilgenlaan-joint-2-supply" name="Wilgenlaan joint 2 supply">
        <geometry xsi:type="esdl:Point" lat="51.999527" lon="4.375967"/>
        <port xsi:type="esdl:InPort" id="wilgenlaan-joint-2-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="wilgenlaan-pipe-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-joint-2-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="wilgenlaan-3-service-supply.in.heat-supply wilgenlaan-4-service-supply.in.heat-supply wilgenlaan-pipe-3-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="wilgenlaan-joint-2-return" name="Wilgenlaan joint 2 return">
        <geometry xsi:type="esdl:Point" lat="51.999554" lon="4.376011"/>
        <port xsi:type="esdl:InPort" id="wilgenlaan-joint-2-return.in.heat-return" name="In" carrier="heat-return" connectedTo="wilgenlaan-3-service-return.out.heat-return wilgenlaan-4-service-return.out.heat-return wilgenlaan-pipe-3-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-joint-2-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="wilgenlaan-pipe-2-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="1445000.0" innerDiameter="0.1071" outerDiameter="0.225" length="85.0" diameter="DN100" id="wilgenlaan-pipe-2-supply" name="Wilgenlaan pipe 2 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998764" lon="4.375967"/>
          <point xsi:type="esdl:Point" lat="51.999527" lon="4.375967"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="wilgenlaan-pipe-2-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="wilgenlaan-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-pipe-2-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="wilgenlaan-joint-2-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="wilgenlaan-pipe-2-supply.wall" reference="wall-dn100"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="1445000.0" innerDiameter="0.1071" outerDiameter="0.225" length="85.0" diameter="DN100" id="wilgenlaan-pipe-2-return" name="Wilgenlaan pipe 2 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.999554" lon="4.376011"/>
          <point xsi:type="esdl:Point" lat="51.998791" lon="4.376011"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="wilgenlaan-pipe-2-return.in.heat-return" name="In" carrier="heat-return" connectedTo="wilgenlaan-joint-2-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-pipe-2-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="wilgenlaan-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="wilgenlaan-pipe-2-return.wall" reference="wall-dn100"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="22.0" diameter="DN65" id="wilgenlaan-3-service-supply" name="Wilgenlaan 3 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.999527" lon="4.375967"/>
          <point xsi:type="esdl:Point" lat="51.999527" lon="4.375646"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="wilgenlaan-3-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="wilgenlaan-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-3-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="wilgenlaan-3.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="wilgenlaan-3-service-supply.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="22.0" diameter="DN65" id="wilgenlaan-3-service-return" name="Wilgenlaan 3 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.999554" lon="4.37569"/>
          <point xsi:type="esdl:Point" lat="51.999554" lon="4.376011"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="wilgenlaan-3-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="wilgenlaan-3.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-3-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="wilgenlaan-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="wilgenlaan-3-service-return.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="305000.0" type="SH_AND_HTW" id="wilgenlaan-3" name="Wilgenlaan 3">
        <geometry xsi:type="esdl:Point" lat="51.999527" lon="4.375646"/>
        <port xsi:type="esdl:InPort" id="wilgenlaan-3.in.heat-supply" name="In" carrier="heat-supply" connectedTo="wilgenlaan-3-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-3.out.heat-return" name="Out" carrier="heat-return" connectedTo="wilgenlaan-3-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="wilgenlaan-4-service-supply" name="Wilgenlaan 4 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.999527" lon="4.375967"/>
          <point xsi:type="esdl:Point" lat="51.999527" lon="4.376464"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="wilgenlaan-4-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="wilgenlaan-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-4-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="wilgenlaan-4.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="wilgenlaan-4-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="wilgenlaan-4-service-return" name="Wilgenlaan 4 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.999554" lon="4.376507"/>
          <point xsi:type="esdl:Point" lat="51.999554" lon="4.376011"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="wilgenlaan-4-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="wilgenlaan-4.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-4-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="wilgenlaan-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="wilgenlaan-4-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-retail" power="145000.0" type="SH_AND_HTW" id="wilgenlaan-4" name="Wilgenlaan 4">
        <geometry xsi:type="esdl:Point" lat="51.999527" lon="4.376464"/>
        <port xsi:type="esdl:InPort" id="wilgenlaan-4.in.heat-supply" name="In" carrier="heat-supply" connectedTo="wilgenlaan-4-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-4.out.heat-return" name="Out" carrier="heat-return" connectedTo="wilgenlaan-4-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="wilgenlaan-joint-3-supply" name="Wilgenlaan joint 3 supply">
        <geometry xsi:type="esdl:Point" lat="52.000291" lon="4.375967"/>
        <port xsi:type="esdl:InPort" id="wilgenlaan-joint-3-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="wilgenlaan-pipe-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-joint-3-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="wilgenlaan-5-service-supply.in.heat-supply wilgenlaan-6-service-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="wilgenlaan-joint-3-return" name="Wilgenlaan joint 3 return">
        <geometry xsi:type="esdl:Point" lat="52.000318" lon="4.376011"/>
        <port xsi:type="esdl:InPort" id="wilgenlaan-joint-3-return.in.heat-return" name="In" carrier="heat-return" connectedTo="wilgenlaan-5-service-return.out.heat-return wilgenlaan-6-service-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-joint-3-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="wilgenlaan-pipe-3-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="85.0" diameter="DN65" id="wilgenlaan-pipe-3-supply" name="Wilgenlaan pipe 3 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.999527" lon="4.375967"/>
          <point xsi:type="esdl:Point" lat="52.000291" lon="4.375967"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="wilgenlaan-pipe-3-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="wilgenlaan-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-pipe-3-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="wilgenlaan-joint-3-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="wilgenlaan-pipe-3-supply.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="85.0" diameter="DN65" id="wilgenlaan-pipe-3-return" name="Wilgenlaan pipe 3 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="52.000318" lon="4.376011"/>
          <point xsi:type="esdl:Point" lat="51.999554" lon="4.376011"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="wilgenlaan-pipe-3-return.in.heat-return" name="In" carrier="heat-return" connectedTo="wilgenlaan-joint-3-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-pipe-3-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="wilgenlaan-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="wilgenlaan-pipe-3-return.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="wilgenlaan-5-service-supply" name="Wilgenlaan 5 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="52.000291" lon="4.375967"/>
          <point xsi:type="esdl:Point" lat="52.000291" lon="4.375646"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="wilgenlaan-5-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="wilgenlaan-joint-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-5-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="wilgenlaan-5.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="wilgenlaan-5-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="wilgenlaan-5-service-return" name="Wilgenlaan 5 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="52.000318" lon="4.37569"/>
          <point xsi:type="esdl:Point" lat="52.000318" lon="4.376011"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="wilgenlaan-5-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="wilgenlaan-5.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-5-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="wilgenlaan-joint-3-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="wilgenlaan-5-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="215000.0" type="SH_AND_HTW" id="wilgenlaan-5" name="Wilgenlaan 5">
        <geometry xsi:type="esdl:Point" lat="52.000291" lon="4.375646"/>
        <port xsi:type="esdl:InPort" id="wilgenlaan-5.in.heat-supply" name="In" carrier="heat-supply" connectedTo="wilgenlaan-5-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-5.out.heat-return" name="Out" carrier="heat-return" connectedTo="wilgenlaan-5-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="wilgenlaan-6-service-supply" name="Wilgenlaan 6 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="52.000291" lon="4.375967"/>
          <point xsi:type="esdl:Point" lat="52.000291" lon="4.376464"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="wilgenlaan-6-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="wilgenlaan-joint-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-6-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="wilgenlaan-6.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="wilgenlaan-6-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="wilgenlaan-6-service-return" name="Wilgenlaan 6 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="52.000318" lon="4.376507"/>
          <point xsi:type="esdl:Point" lat="52.000318" lon="4.376011"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="wilgenlaan-6-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="wilgenlaan-6.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-6-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="wilgenlaan-joint-3-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="wilgenlaan-6-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="220000.0" type="SH_AND_HTW" id="wilgenlaan-6" name="Wilgenlaan 6">
        <geometry xsi:type="esdl:Point" lat="52.000291" lon="4.376464"/>
        <port xsi:type="esdl:InPort" id="wilgenlaan-6.in.heat-supply" name="In" carrier="heat-supply" connectedTo="wilgenlaan-6-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="wilgenlaan-6.out.heat-return" name="Out" carrier="heat-return" connectedTo="wilgenlaan-6-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="trunk-joint-6-supply" name="Trunk joint 6 supply">
        <geometry xsi:type="esdl:Point" lat="51.998" lon="4.379761"/>
        <port xsi:type="esdl:InPort" id="trunk-joint-6-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="trunk-pipe-6-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="trunk-joint-6-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="esdoornlaan-pipe-1-supply.in.heat-supply trunk-pipe-7-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="trunk-joint-6-return" name="Trunk joint 6 return">
        <geometry xsi:type="esdl:Point" lat="51.998027" lon="4.379805"/>
        <port xsi:type="esdl:InPort" id="trunk-joint-6-return.in.heat-return" name="In" carrier="heat-return" connectedTo="esdoornlaan-pipe-1-return.out.heat-return trunk-pipe-7-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="trunk-joint-6-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="trunk-pipe-6-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="4234000.0" innerDiameter="0.1603" outerDiameter="0.28" length="260.0" diameter="DN150" id="trunk-pipe-6-supply" name="Trunk pipe 6 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998" lon="4.375967"/>
          <point xsi:type="esdl:Point" lat="51.998" lon="4.379761"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="trunk-pipe-6-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="trunk-joint-5-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="trunk-pipe-6-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="trunk-joint-6-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="trunk-pipe-6-supply.wall" reference="wall-dn150"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="4234000.0" innerDiameter="0.1603" outerDiameter="0.28" length="260.0" diameter="DN150" id="trunk-pipe-6-return" name="Trunk pipe 6 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998027" lon="4.379805"/>
          <point xsi:type="esdl:Point" lat="51.998027" lon="4.376011"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="trunk-pipe-6-return.in.heat-return" name="In" carrier="heat-return" connectedTo="trunk-joint-6-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="trunk-pipe-6-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="trunk-joint-5-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="trunk-pipe-6-return.wall" reference="wall-dn150"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="esdoornlaan-joint-1-supply" name="Esdoornlaan joint 1 supply">
        <geometry xsi:type="esdl:Point" lat="51.997236" lon="4.379761"/>
        <port xsi:type="esdl:InPort" id="esdoornlaan-joint-1-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="esdoornlaan-pipe-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-joint-1-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="esdoornlaan-1-service-supply.in.heat-supply esdoornlaan-2-service-supply.in.heat-supply esdoornlaan-pipe-2-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="esdoornlaan-joint-1-return" name="Esdoornlaan joint 1 return">
        <geometry xsi:type="esdl:Point" lat="51.997263" lon="4.379805"/>
        <port xsi:type="esdl:InPort" id="esdoornlaan-joint-1-return.in.heat-return" name="In" carrier="heat-return" connectedTo="esdoornlaan-1-service-return.out.heat-return esdoornlaan-2-service-return.out.heat-return esdoornlaan-pipe-2-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-joint-1-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="esdoornlaan-pipe-1-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="792000.0" innerDiameter="0.0825" outerDiameter="0.18" length="85.0" diameter="DN80" id="esdoornlaan-pipe-1-supply" name="Esdoornlaan pipe 1 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998" lon="4.379761"/>
          <point xsi:type="esdl:Point" lat="51.997236" lon="4.379761"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="esdoornlaan-pipe-1-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="trunk-joint-6-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-pipe-1-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="esdoornlaan-joint-1-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="esdoornlaan-pipe-1-supply.wall" reference="wall-dn80"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="792000.0" innerDiameter="0.0825" outerDiameter="0.18" length="85.0" diameter="DN80" id="esdoornlaan-pipe-1-return" name="Esdoornlaan pipe 1 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.997263" lon="4.379805"/>
          <point xsi:type="esdl:Point" lat="51.998027" lon="4.379805"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="esdoornlaan-pipe-1-return.in.heat-return" name="In" carrier="heat-return" connectedTo="esdoornlaan-joint-1-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-pipe-1-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="trunk-joint-6-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="esdoornlaan-pipe-1-return.wall" reference="wall-dn80"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="esdoornlaan-1-service-supply" name="Esdoornlaan 1 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.997236" lon="4.379761"/>
          <point xsi:type="esdl:Point" lat="51.997236" lon="4.37944"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="esdoornlaan-1-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="esdoornlaan-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-1-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="esdoornlaan-1.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="esdoornlaan-1-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="esdoornlaan-1-service-return" name="Esdoornlaan 1 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.997263" lon="4.379484"/>
          <point xsi:type="esdl:Point" lat="51.997263" lon="4.379805"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="esdoornlaan-1-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="esdoornlaan-1.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-1-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="esdoornlaan-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="esdoornlaan-1-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-education" power="270000.0" type="SH_AND_HTW" id="esdoornlaan-1" name="Esdoornlaan 1">
        <geometry xsi:type="esdl:Point" lat="51.997236" lon="4.37944"/>
        <port xsi:type="esdl:InPort" id="esdoornlaan-1.in.heat-supply" name="In" carrier="heat-supply" connectedTo="esdoornlaan-1-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-1.out.heat-return" name="Out" carrier="heat-return" connectedTo="esdoornlaan-1-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="esdoornlaan-2-service-supply" name="Esdoornlaan 2 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.997236" lon="4.379761"/>
          <point xsi:type="esdl:Point" lat="51.997236" lon="4.380257"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="esdoornlaan-2-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="esdoornlaan-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-2-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="esdoornlaan-2.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="esdoornlaan-2-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="esdoornlaan-2-service-return" name="Esdoornlaan 2 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.997263" lon="4.380301"/>
          <point xsi:type="esdl:Point" lat="51.997263" lon="4.379805"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="esdoornlaan-2-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="esdoornlaan-2.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-2-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="esdoornlaan-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="esdoornlaan-2-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="160000.0" type="SH_AND_HTW" id="esdoornlaan-2" name="Esdoornlaan 2">
        <geometry xsi:type="esdl:Point" lat="51.997236" lon="4.380257"/>
        <port xsi:type="esdl:InPort" id="esdoornlaan-2.in.heat-supply" name="In" carrier="heat-supply" connectedTo="esdoornlaan-2-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-2.out.heat-return" name="Out" carrier="heat-return" connectedTo="esdoornlaan-2-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="esdoornlaan-joint-2-supply" name="Esdoornlaan joint 2 supply">
        <geometry xsi:type="esdl:Point" lat="51.996473" lon="4.379761"/>
        <port xsi:type="esdl:InPort" id="esdoornlaan-joint-2-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="esdoornlaan-pipe-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-joint-2-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="esdoornlaan-3-service-supply.in.heat-supply esdoornlaan-4-service-supply.in.heat-supply esdoornlaan-pipe-3-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="esdoornlaan-joint-2-return" name="Esdoornlaan joint 2 return">
        <geometry xsi:type="esdl:Point" lat="51.9965" lon="4.379805"/>
        <port xsi:type="esdl:InPort" id="esdoornlaan-joint-2-return.in.heat-return" name="In" carrier="heat-return" connectedTo="esdoornlaan-3-service-return.out.heat-return esdoornlaan-4-service-return.out.heat-return esdoornlaan-pipe-3-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-joint-2-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="esdoornlaan-pipe-2-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="792000.0" innerDiameter="0.0825" outerDiameter="0.18" length="85.0" diameter="DN80" id="esdoornlaan-pipe-2-supply" name="Esdoornlaan pipe 2 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.997236" lon="4.379761"/>
          <point xsi:type="esdl:Point" lat="51.996473" lon="4.379761"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="esdoornlaan-pipe-2-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="esdoornlaan-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-pipe-2-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="esdoornlaan-joint-2-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="esdoornlaan-pipe-2-supply.wall" reference="wall-dn80"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="792000.0" innerDiameter="0.0825" outerDiameter="0.18" length="85.0" diameter="DN80" id="esdoornlaan-pipe-2-return" name="Esdoornlaan pipe 2 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.9965" lon="4.379805"/>
          <point xsi:type="esdl:Point" lat="51.997263" lon="4.379805"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="esdoornlaan-pipe-2-return.in.heat-return" name="In" carrier="heat-return" connectedTo="esdoornlaan-joint-2-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-pipe-2-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="esdoornlaan-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="esdoornlaan-pipe-2-return.wall" reference="wall-dn80"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="esdoornlaan-3-service-supply" name="Esdoornlaan 3 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.996473" lon="4.379761"/>
          <point xsi:type="esdl:Point" lat="51.996473" lon="4.37944"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="esdoornlaan-3-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="esdoornlaan-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-3-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="esdoornlaan-3.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="esdoornlaan-3-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="esdoornlaan-3-service-return" name="Esdoornlaan 3 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.9965" lon="4.379484"/>
          <point xsi:type="esdl:Point" lat="51.9965" lon="4.379805"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="esdoornlaan-3-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="esdoornlaan-3.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-3-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="esdoornlaan-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="esdoornlaan-3-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="175000.0" type="SH_AND_HTW" id="esdoornlaan-3" name="Esdoornlaan 3">
        <geometry xsi:type="esdl:Point" lat="51.996473" lon="4.37944"/>
        <port xsi:type="esdl:InPort" id="esdoornlaan-3.in.heat-supply" name="In" carrier="heat-supply" connectedTo="esdoornlaan-3-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-3.out.heat-return" name="Out" carrier="heat-return" connectedTo="esdoornlaan-3-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="esdoornlaan-4-service-supply" name="Esdoornlaan 4 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.996473" lon="4.379761"/>
          <point xsi:type="esdl:Point" lat="51.996473" lon="4.380257"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="esdoornlaan-4-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="esdoornlaan-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-4-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="esdoornlaan-4.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="esdoornlaan-4-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="esdoornlaan-4-service-return" name="Esdoornlaan 4 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.9965" lon="4.380301"/>
          <point xsi:type="esdl:Point" lat="51.9965" lon="4.379805"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="esdoornlaan-4-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="esdoornlaan-4.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-4-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="esdoornlaan-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="esdoornlaan-4-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="200000.0" type="SH_AND_HTW" id="esdoornlaan-4" name="Esdoornlaan 4">
        <geometry xsi:type="esdl:Point" lat="51.996473" lon="4.380257"/>
        <port xsi:type="esdl:InPort" id="esdoornlaan-4.in.heat-supply" name="In" carrier="heat-supply" connectedTo="esdoornlaan-4-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-4.out.heat-return" name="Out" carrier="heat-return" connectedTo="esdoornlaan-4-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="esdoornlaan-joint-3-supply" name="Esdoornlaan joint 3 supply">
        <geometry xsi:type="esdl:Point" lat="51.995709" lon="4.379761"/>
        <port xsi:type="esdl:InPort" id="esdoornlaan-joint-3-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="esdoornlaan-pipe-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-joint-3-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="esdoornlaan-5-service-supply.in.heat-supply esdoornlaan-6-service-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="esdoornlaan-joint-3-return" name="Esdoornlaan joint 3 return">
        <geometry xsi:type="esdl:Point" lat="51.995736" lon="4.379805"/>
        <port xsi:type="esdl:InPort" id="esdoornlaan-joint-3-return.in.heat-return" name="In" carrier="heat-return" connectedTo="esdoornlaan-5-service-return.out.heat-return esdoornlaan-6-service-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-joint-3-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="esdoornlaan-pipe-3-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="85.0" diameter="DN65" id="esdoornlaan-pipe-3-supply" name="Esdoornlaan pipe 3 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.996473" lon="4.379761"/>
          <point xsi:type="esdl:Point" lat="51.995709" lon="4.379761"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="esdoornlaan-pipe-3-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="esdoornlaan-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-pipe-3-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="esdoornlaan-joint-3-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="esdoornlaan-pipe-3-supply.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="85.0" diameter="DN65" id="esdoornlaan-pipe-3-return" name="Esdoornlaan pipe 3 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.995736" lon="4.379805"/>
          <point xsi:type="esdl:Point" lat="51.9965" lon="4.379805"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="esdoornlaan-pipe-3-return.in.heat-return" name="In" carrier="heat-return" connectedTo="esdoornlaan-joint-3-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-pipe-3-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="esdoornlaan-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="esdoornlaan-pipe-3-return.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="esdoornlaan-5-service-supply" name="Esdoornlaan 5 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.995709" lon="4.379761"/>
          <point xsi:type="esdl:Point" lat="51.995709" lon="4.37944"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="esdoornlaan-5-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="esdoornlaan-joint-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-5-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="esdoornlaan-5.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="esdoornlaan-5-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="esdoornlaan-5-service-return" name="Esdoornlaan 5 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.995736" lon="4.379484"/>
          <point xsi:type="esdl:Point" lat="51.995736" lon="4.379805"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="esdoornlaan-5-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="esdoornlaan-5.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-5-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="esdoornlaan-joint-3-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="esdoornlaan-5-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-offices" power="240000.0" type="SH_AND_HTW" id="esdoornlaan-5" name="Esdoornlaan 5">
        <geometry xsi:type="esdl:Point" lat="51.995709" lon="4.37944"/>
        <port xsi:type="esdl:InPort" id="esdoornlaan-5.in.heat-supply" name="In" carrier="heat-supply" connectedTo="esdoornlaan-5-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-5.out.heat-return" name="Out" carrier="heat-return" connectedTo="esdoornlaan-5-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="esdoornlaan-6-service-supply" name="Esdoornlaan 6 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.995709" lon="4.379761"/>
          <point xsi:type="esdl:Point" lat="51.995709" lon="4.380257"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="esdoornlaan-6-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="esdoornlaan-joint-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-6-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="esdoornlaan-6.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="esdoornlaan-6-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="esdoornlaan-6-service-return" name="Esdoornlaan 6 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.995736" lon="4.380301"/>
          <point xsi:type="esdl:Point" lat="51.995736" lon="4.379805"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="esdoornlaan-6-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="esdoornlaan-6.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-6-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="esdoornlaan-joint-3-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="esdoornlaan-6-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="135000.0" type="SH_AND_HTW" id="esdoornlaan-6" name="Esdoornlaan 6">
        <geometry xsi:type="esdl:Point" lat="51.995709" lon="4.380257"/>
        <port xsi:type="esdl:InPort" id="esdoornlaan-6.in.heat-supply" name="In" carrier="heat-supply" connectedTo="esdoornlaan-6-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="esdoornlaan-6.out.heat-return" name="Out" carrier="heat-return" connectedTo="esdoornlaan-6-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="trunk-joint-7-supply" name="Trunk joint 7 supply">
        <geometry xsi:type="esdl:Point" lat="51.998" lon="4.383554"/>
        <port xsi:type="esdl:InPort" id="trunk-joint-7-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="trunk-pipe-7-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="trunk-joint-7-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="populierenlaan-pipe-1-supply.in.heat-supply trunk-pipe-8-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="trunk-joint-7-return" name="Trunk joint 7 return">
        <geometry xsi:type="esdl:Point" lat="51.998027" lon="4.383598"/>
        <port xsi:type="esdl:InPort" id="trunk-joint-7-return.in.heat-return" name="In" carrier="heat-return" connectedTo="populierenlaan-pipe-1-return.out.heat-return trunk-pipe-8-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="trunk-joint-7-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="trunk-pipe-7-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="2553000.0" innerDiameter="0.1325" outerDiameter="0.25" length="260.0" diameter="DN125" id="trunk-pipe-7-supply" name="Trunk pipe 7 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998" lon="4.379761"/>
          <point xsi:type="esdl:Point" lat="51.998" lon="4.383554"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="trunk-pipe-7-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="trunk-joint-6-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="trunk-pipe-7-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="trunk-joint-7-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="trunk-pipe-7-supply.wall" reference="wall-dn125"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="2553000.0" innerDiameter="0.1325" outerDiameter="0.25" length="260.0" diameter="DN125" id="trunk-pipe-7-return" name="Trunk pipe 7 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998027" lon="4.383598"/>
          <point xsi:type="esdl:Point" lat="51.998027" lon="4.379805"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="trunk-pipe-7-return.in.heat-return" name="In" carrier="heat-return" connectedTo="trunk-joint-7-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="trunk-pipe-7-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="trunk-joint-6-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="trunk-pipe-7-return.wall" reference="wall-dn125"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="populierenlaan-joint-1-supply" name="Populierenlaan joint 1 supply">
        <geometry xsi:type="esdl:Point" lat="51.998764" lon="4.383554"/>
        <port xsi:type="esdl:InPort" id="populierenlaan-joint-1-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="populierenlaan-pipe-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-joint-1-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="populierenlaan-1-service-supply.in.heat-supply populierenlaan-2-service-supply.in.heat-supply populierenlaan-pipe-2-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="populierenlaan-joint-1-return" name="Populierenlaan joint 1 return">
        <geometry xsi:type="esdl:Point" lat="51.998791" lon="4.383598"/>
        <port xsi:type="esdl:InPort" id="populierenlaan-joint-1-return.in.heat-return" name="In" carrier="heat-return" connectedTo="populierenlaan-1-service-return.out.heat-return populierenlaan-2-service-return.out.heat-return populierenlaan-pipe-2-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-joint-1-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="populierenlaan-pipe-1-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="1445000.0" innerDiameter="0.1071" outerDiameter="0.225" length="85.0" diameter="DN100" id="populierenlaan-pipe-1-supply" name="Populierenlaan pipe 1 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998" lon="4.383554"/>
          <point xsi:type="esdl:Point" lat="51.998764" lon="4.383554"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="populierenlaan-pipe-1-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="trunk-joint-7-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-pipe-1-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="populierenlaan-joint-1-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="populierenlaan-pipe-1-supply.wall" reference="wall-dn100"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="1445000.0" innerDiameter="0.1071" outerDiameter="0.225" length="85.0" diameter="DN100" id="populierenlaan-pipe-1-return" name="Populierenlaan pipe 1 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998791" lon="4.383598"/>
          <point xsi:type="esdl:Point" lat="51.998027" lon="4.383598"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="populierenlaan-pipe-1-return.in.heat-return" name="In" carrier="heat-return" connectedTo="populierenlaan-joint-1-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-pipe-1-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="trunk-joint-7-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="populierenlaan-pipe-1-return.wall" reference="wall-dn100"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="22.0" diameter="DN65" id="populierenlaan-1-service-supply" name="Populierenlaan 1 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998764" lon="4.383554"/>
          <point xsi:type="esdl:Point" lat="51.998764" lon="4.383233"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="populierenlaan-1-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="populierenlaan-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-1-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="populierenlaan-1.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="populierenlaan-1-service-supply.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="22.0" diameter="DN65" id="populierenlaan-1-service-return" name="Populierenlaan 1 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998791" lon="4.383277"/>
          <point xsi:type="esdl:Point" lat="51.998791" lon="4.383598"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="populierenlaan-1-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="populierenlaan-1.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-1-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="populierenlaan-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="populierenlaan-1-service-return.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-healthcare" power="450000.0" type="SH_AND_HTW" id="populierenlaan-1" name="Populierenlaan 1">
        <geometry xsi:type="esdl:Point" lat="51.998764" lon="4.383233"/>
        <port xsi:type="esdl:InPort" id="populierenlaan-1.in.heat-supply" name="In" carrier="heat-supply" connectedTo="populierenlaan-1-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-1.out.heat-return" name="Out" carrier="heat-return" connectedTo="populierenlaan-1-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="populierenlaan-2-service-supply" name="Populierenlaan 2 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998764" lon="4.383554"/>
          <point xsi:type="esdl:Point" lat="51.998764" lon="4.38405"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="populierenlaan-2-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="populierenlaan-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-2-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="populierenlaan-2.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="populierenlaan-2-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="populierenlaan-2-service-return" name="Populierenlaan 2 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998791" lon="4.384094"/>
          <point xsi:type="esdl:Point" lat="51.998791" lon="4.383598"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="populierenlaan-2-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="populierenlaan-2.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-2-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="populierenlaan-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="populierenlaan-2-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="210000.0" type="SH_AND_HTW" id="populierenlaan-2" name="Populierenlaan 2">
        <geometry xsi:type="esdl:Point" lat="51.998764" lon="4.38405"/>
        <port xsi:type="esdl:InPort" id="populierenlaan-2.in.heat-supply" name="In" carrier="heat-supply" connectedTo="populierenlaan-2-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-2.out.heat-return" name="Out" carrier="heat-return" connectedTo="populierenlaan-2-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="populierenlaan-joint-2-supply" name="Populierenlaan joint 2 supply">
        <geometry xsi:type="esdl:Point" lat="51.999527" lon="4.383554"/>
        <port xsi:type="esdl:InPort" id="populierenlaan-joint-2-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="populierenlaan-pipe-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-joint-2-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="populierenlaan-3-service-supply.in.heat-supply populierenlaan-4-service-supply.in.heat-supply populierenlaan-pipe-3-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="populierenlaan-joint-2-return" name="Populierenlaan joint 2 return">
        <geometry xsi:type="esdl:Point" lat="51.999554" lon="4.383598"/>
        <port xsi:type="esdl:InPort" id="populierenlaan-joint-2-return.in.heat-return" name="In" carrier="heat-return" connectedTo="populierenlaan-3-service-return.out.heat-return populierenlaan-4-service-return.out.heat-return populierenlaan-pipe-3-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-joint-2-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="populierenlaan-pipe-2-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="792000.0" innerDiameter="0.0825" outerDiameter="0.18" length="85.0" diameter="DN80" id="populierenlaan-pipe-2-supply" name="Populierenlaan pipe 2 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998764" lon="4.383554"/>
          <point xsi:type="esdl:Point" lat="51.999527" lon="4.383554"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="populierenlaan-pipe-2-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="populierenlaan-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-pipe-2-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="populierenlaan-joint-2-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="populierenlaan-pipe-2-supply.wall" reference="wall-dn80"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="792000.0" innerDiameter="0.0825" outerDiameter="0.18" length="85.0" diameter="DN80" id="populierenlaan-pipe-2-return" name="Populierenlaan pipe 2 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.999554" lon="4.383598"/>
          <point xsi:type="esdl:Point" lat="51.998791" lon="4.383598"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="populierenlaan-pipe-2-return.in.heat-return" name="In" carrier="heat-return" connectedTo="populierenlaan-joint-2-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-pipe-2-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="populierenlaan-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="populierenlaan-pipe-2-return.wall" reference="wall-dn80"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="populierenlaan-3-service-supply" name="Populierenlaan 3 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.999527" lon="4.383554"/>
          <point xsi:type="esdl:Point" lat="51.999527" lon="4.383233"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="populierenlaan-3-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="populierenlaan-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-3-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="populierenlaan-3.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="populierenlaan-3-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="populierenlaan-3-service-return" name="Populierenlaan 3 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.999554" lon="4.383277"/>
          <point xsi:type="esdl:Point" lat="51.999554" lon="4.383598"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="populierenlaan-3-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="populierenlaan-3.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-3-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="populierenlaan-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="populierenlaan-3-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="235000.0" type="SH_AND_HTW" id="populierenlaan-3" name="Populierenlaan 3">
        <geometry xsi:type="esdl:Point" lat="51.999527" lon="4.383233"/>
        <port xsi:type="esdl:InPort" id="populierenlaan-3.in.heat-supply" name="In" carrier="heat-supply" connectedTo="populierenlaan-3-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-3.out.heat-return" name="Out" carrier="heat-return" connectedTo="populierenlaan-3-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="populierenlaan-4-service-supply" name="Populierenlaan 4 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.999527" lon="4.383554"/>
          <point xsi:type="esdl:Point" lat="51.999527" lon="4.38405"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="populierenlaan-4-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="populierenlaan-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-4-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="populierenlaan-4.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="populierenlaan-4-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="populierenlaan-4-service-return" name="Populierenlaan 4 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.999554" lon="4.384094"/>
          <point xsi:type="esdl:Point" lat="51.999554" lon="4.383598"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="populierenlaan-4-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="populierenlaan-4.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-4-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="populierenlaan-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="populierenlaan-4-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-retail" power="110000.0" type="SH_AND_HTW" id="populierenlaan-4" name="Populierenlaan 4">
        <geometry xsi:type="esdl:Point" lat="51.999527" lon="4.38405"/>
        <port xsi:type="esdl:InPort" id="populierenlaan-4.in.heat-supply" name="In" carrier="heat-supply" connectedTo="populierenlaan-4-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-4.out.heat-return" name="Out" carrier="heat-return" connectedTo="populierenlaan-4-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="populierenlaan-joint-3-supply" name="Populierenlaan joint 3 supply">
        <geometry xsi:type="esdl:Point" lat="52.000291" lon="4.383554"/>
        <port xsi:type="esdl:InPort" id="populierenlaan-joint-3-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="populierenlaan-pipe-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-joint-3-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="populierenlaan-5-service-supply.in.heat-supply populierenlaan-6-service-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="populierenlaan-joint-3-return" name="Populierenlaan joint 3 return">
        <geometry xsi:type="esdl:Point" lat="52.000318" lon="4.383598"/>
        <port xsi:type="esdl:InPort" id="populierenlaan-joint-3-return.in.heat-return" name="In" carrier="heat-return" connectedTo="populierenlaan-5-service-return.out.heat-return populierenlaan-6-service-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-joint-3-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="populierenlaan-pipe-3-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="85.0" diameter="DN65" id="populierenlaan-pipe-3-supply" name="Populierenlaan pipe 3 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.999527" lon="4.383554"/>
          <point xsi:type="esdl:Point" lat="52.000291" lon="4.383554"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="populierenlaan-pipe-3-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="populierenlaan-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-pipe-3-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="populierenlaan-joint-3-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="populierenlaan-pipe-3-supply.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="85.0" diameter="DN65" id="populierenlaan-pipe-3-return" name="Populierenlaan pipe 3 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="52.000318" lon="4.383598"/>
          <point xsi:type="esdl:Point" lat="51.999554" lon="4.383598"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="populierenlaan-pipe-3-return.in.heat-return" name="In" carrier="heat-return" connectedTo="populierenlaan-joint-3-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-pipe-3-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="populierenlaan-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="populierenlaan-pipe-3-return.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="populierenlaan-5-service-supply" name="Populierenlaan 5 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="52.000291" lon="4.383554"/>
          <point xsi:type="esdl:Point" lat="52.000291" lon="4.383233"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="populierenlaan-5-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="populierenlaan-joint-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-5-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="populierenlaan-5.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="populierenlaan-5-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="populierenlaan-5-service-return" name="Populierenlaan 5 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="52.000318" lon="4.383277"/>
          <point xsi:type="esdl:Point" lat="52.000318" lon="4.383598"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="populierenlaan-5-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="populierenlaan-5.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-5-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="populierenlaan-joint-3-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="populierenlaan-5-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="180000.0" type="SH_AND_HTW" id="populierenlaan-5" name="Populierenlaan 5">
        <geometry xsi:type="esdl:Point" lat="52.000291" lon="4.383233"/>
        <port xsi:type="esdl:InPort" id="populierenlaan-5.in.heat-supply" name="In" carrier="heat-supply" connectedTo="populierenlaan-5-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-5.out.heat-return" name="Out" carrier="heat-return" connectedTo="populierenlaan-5-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="populierenlaan-6-service-supply" name="Populierenlaan 6 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="52.000291" lon="4.383554"/>
          <point xsi:type="esdl:Point" lat="52.000291" lon="4.38405"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="populierenlaan-6-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="populierenlaan-joint-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-6-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="populierenlaan-6.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="populierenlaan-6-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="populierenlaan-6-service-return" name="Populierenlaan 6 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="52.000318" lon="4.384094"/>
          <point xsi:type="esdl:Point" lat="52.000318" lon="4.383598"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="populierenlaan-6-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="populierenlaan-6.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-6-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="populierenlaan-joint-3-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="populierenlaan-6-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="145000.0" type="SH_AND_HTW" id="populierenlaan-6" name="Populierenlaan 6">
        <geometry xsi:type="esdl:Point" lat="52.000291" lon="4.38405"/>
        <port xsi:type="esdl:InPort" id="populierenlaan-6.in.heat-supply" name="In" carrier="heat-supply" connectedTo="populierenlaan-6-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="populierenlaan-6.out.heat-return" name="Out" carrier="heat-return" connectedTo="populierenlaan-6-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="trunk-joint-8-supply" name="Trunk joint 8 supply">
        <geometry xsi:type="esdl:Point" lat="51.998" lon="4.387348"/>
        <port xsi:type="esdl:InPort" id="trunk-joint-8-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="trunk-pipe-8-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="trunk-joint-8-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="iepenlaan-pipe-1-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="trunk-joint-8-return" name="Trunk joint 8 return">
        <geometry xsi:type="esdl:Point" lat="51.998027" lon="4.387392"/>
        <port xsi:type="esdl:InPort" id="trunk-joint-8-return.in.heat-return" name="In" carrier="heat-return" connectedTo="iepenlaan-pipe-1-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="trunk-joint-8-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="trunk-pipe-8-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="1445000.0" innerDiameter="0.1071" outerDiameter="0.225" length="260.0" diameter="DN100" id="trunk-pipe-8-supply" name="Trunk pipe 8 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998" lon="4.383554"/>
          <point xsi:type="esdl:Point" lat="51.998" lon="4.387348"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="trunk-pipe-8-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="trunk-joint-7-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="trunk-pipe-8-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="trunk-joint-8-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="trunk-pipe-8-supply.wall" reference="wall-dn100"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="1445000.0" innerDiameter="0.1071" outerDiameter="0.225" length="260.0" diameter="DN100" id="trunk-pipe-8-return" name="Trunk pipe 8 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998027" lon="4.387392"/>
          <point xsi:type="esdl:Point" lat="51.998027" lon="4.383598"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="trunk-pipe-8-return.in.heat-return" name="In" carrier="heat-return" connectedTo="trunk-joint-8-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="trunk-pipe-8-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="trunk-joint-7-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="trunk-pipe-8-return.wall" reference="wall-dn100"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="iepenlaan-joint-1-supply" name="Iepenlaan joint 1 supply">
        <geometry xsi:type="esdl:Point" lat="51.997236" lon="4.387348"/>
        <port xsi:type="esdl:InPort" id="iepenlaan-joint-1-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="iepenlaan-pipe-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-joint-1-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="iepenlaan-1-service-supply.in.heat-supply iepenlaan-2-service-supply.in.heat-supply iepenlaan-pipe-2-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="iepenlaan-joint-1-return" name="Iepenlaan joint 1 return">
        <geometry xsi:type="esdl:Point" lat="51.997263" lon="4.387392"/>
        <port xsi:type="esdl:InPort" id="iepenlaan-joint-1-return.in.heat-return" name="In" carrier="heat-return" connectedTo="iepenlaan-1-service-return.out.heat-return iepenlaan-2-service-return.out.heat-return iepenlaan-pipe-2-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-joint-1-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="iepenlaan-pipe-1-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="1445000.0" innerDiameter="0.1071" outerDiameter="0.225" length="85.0" diameter="DN100" id="iepenlaan-pipe-1-supply" name="Iepenlaan pipe 1 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.998" lon="4.387348"/>
          <point xsi:type="esdl:Point" lat="51.997236" lon="4.387348"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="iepenlaan-pipe-1-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="trunk-joint-8-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-pipe-1-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="iepenlaan-joint-1-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="iepenlaan-pipe-1-supply.wall" reference="wall-dn100"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="1445000.0" innerDiameter="0.1071" outerDiameter="0.225" length="85.0" diameter="DN100" id="iepenlaan-pipe-1-return" name="Iepenlaan pipe 1 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.997263" lon="4.387392"/>
          <point xsi:type="esdl:Point" lat="51.998027" lon="4.387392"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="iepenlaan-pipe-1-return.in.heat-return" name="In" carrier="heat-return" connectedTo="iepenlaan-joint-1-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-pipe-1-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="trunk-joint-8-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="iepenlaan-pipe-1-return.wall" reference="wall-dn100"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="iepenlaan-1-service-supply" name="Iepenlaan 1 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.997236" lon="4.387348"/>
          <point xsi:type="esdl:Point" lat="51.997236" lon="4.387027"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="iepenlaan-1-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="iepenlaan-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-1-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="iepenlaan-1.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="iepenlaan-1-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="iepenlaan-1-service-return" name="Iepenlaan 1 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.997263" lon="4.387071"/>
          <point xsi:type="esdl:Point" lat="51.997263" lon="4.387392"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="iepenlaan-1-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="iepenlaan-1.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-1-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="iepenlaan-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="iepenlaan-1-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="285000.0" type="SH_AND_HTW" id="iepenlaan-1" name="Iepenlaan 1">
        <geometry xsi:type="esdl:Point" lat="51.997236" lon="4.387027"/>
        <port xsi:type="esdl:InPort" id="iepenlaan-1.in.heat-supply" name="In" carrier="heat-supply" connectedTo="iepenlaan-1-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-1.out.heat-return" name="Out" carrier="heat-return" connectedTo="iepenlaan-1-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="iepenlaan-2-service-supply" name="Iepenlaan 2 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.997236" lon="4.387348"/>
          <point xsi:type="esdl:Point" lat="51.997236" lon="4.387844"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="iepenlaan-2-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="iepenlaan-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-2-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="iepenlaan-2.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="iepenlaan-2-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="iepenlaan-2-service-return" name="Iepenlaan 2 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.997263" lon="4.387888"/>
          <point xsi:type="esdl:Point" lat="51.997263" lon="4.387392"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="iepenlaan-2-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="iepenlaan-2.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-2-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="iepenlaan-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="iepenlaan-2-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="240000.0" type="SH_AND_HTW" id="iepenlaan-2" name="Iepenlaan 2">
        <geometry xsi:type="esdl:Point" lat="51.997236" lon="4.387844"/>
        <port xsi:type="esdl:InPort" id="iepenlaan-2.in.heat-supply" name="In" carrier="heat-supply" connectedTo="iepenlaan-2-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-2.out.heat-return" name="Out" carrier="heat-return" connectedTo="iepenlaan-2-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="iepenlaan-joint-2-supply" name="Iepenlaan joint 2 supply">
        <geometry xsi:type="esdl:Point" lat="51.996473" lon="4.387348"/>
        <port xsi:type="esdl:InPort" id="iepenlaan-joint-2-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="iepenlaan-pipe-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-joint-2-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="iepenlaan-3-service-supply.in.heat-supply iepenlaan-4-service-supply.in.heat-supply iepenlaan-pipe-3-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="iepenlaan-joint-2-return" name="Iepenlaan joint 2 return">
        <geometry xsi:type="esdl:Point" lat="51.9965" lon="4.387392"/>
        <port xsi:type="esdl:InPort" id="iepenlaan-joint-2-return.in.heat-return" name="In" carrier="heat-return" connectedTo="iepenlaan-3-service-return.out.heat-return iepenlaan-4-service-return.out.heat-return iepenlaan-pipe-3-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-joint-2-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="iepenlaan-pipe-2-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="792000.0" innerDiameter="0.0825" outerDiameter="0.18" length="85.0" diameter="DN80" id="iepenlaan-pipe-2-supply" name="Iepenlaan pipe 2 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.997236" lon="4.387348"/>
          <point xsi:type="esdl:Point" lat="51.996473" lon="4.387348"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="iepenlaan-pipe-2-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="iepenlaan-joint-1-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-pipe-2-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="iepenlaan-joint-2-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="iepenlaan-pipe-2-supply.wall" reference="wall-dn80"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="792000.0" innerDiameter="0.0825" outerDiameter="0.18" length="85.0" diameter="DN80" id="iepenlaan-pipe-2-return" name="Iepenlaan pipe 2 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.9965" lon="4.387392"/>
          <point xsi:type="esdl:Point" lat="51.997263" lon="4.387392"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="iepenlaan-pipe-2-return.in.heat-return" name="In" carrier="heat-return" connectedTo="iepenlaan-joint-2-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-pipe-2-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="iepenlaan-joint-1-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="iepenlaan-pipe-2-return.wall" reference="wall-dn80"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="iepenlaan-3-service-supply" name="Iepenlaan 3 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.996473" lon="4.387348"/>
          <point xsi:type="esdl:Point" lat="51.996473" lon="4.387027"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="iepenlaan-3-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="iepenlaan-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-3-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="iepenlaan-3.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="iepenlaan-3-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="iepenlaan-3-service-return" name="Iepenlaan 3 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.9965" lon="4.387071"/>
          <point xsi:type="esdl:Point" lat="51.9965" lon="4.387392"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="iepenlaan-3-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="iepenlaan-3.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-3-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="iepenlaan-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="iepenlaan-3-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-offices" power="190000.0" type="SH_AND_HTW" id="iepenlaan-3" name="Iepenlaan 3">
        <geometry xsi:type="esdl:Point" lat="51.996473" lon="4.387027"/>
        <port xsi:type="esdl:InPort" id="iepenlaan-3.in.heat-supply" name="In" carrier="heat-supply" connectedTo="iepenlaan-3-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-3.out.heat-return" name="Out" carrier="heat-return" connectedTo="iepenlaan-3-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="iepenlaan-4-service-supply" name="Iepenlaan 4 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.996473" lon="4.387348"/>
          <point xsi:type="esdl:Point" lat="51.996473" lon="4.387844"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="iepenlaan-4-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="iepenlaan-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-4-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="iepenlaan-4.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="iepenlaan-4-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="iepenlaan-4-service-return" name="Iepenlaan 4 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.9965" lon="4.387888"/>
          <point xsi:type="esdl:Point" lat="51.9965" lon="4.387392"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="iepenlaan-4-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="iepenlaan-4.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-4-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="iepenlaan-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="iepenlaan-4-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="125000.0" type="SH_AND_HTW" id="iepenlaan-4" name="Iepenlaan 4">
        <geometry xsi:type="esdl:Point" lat="51.996473" lon="4.387844"/>
        <port xsi:type="esdl:InPort" id="iepenlaan-4.in.heat-supply" name="In" carrier="heat-supply" connectedTo="iepenlaan-4-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-4.out.heat-return" name="Out" carrier="heat-return" connectedTo="iepenlaan-4-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="iepenlaan-joint-3-supply" name="Iepenlaan joint 3 supply">
        <geometry xsi:type="esdl:Point" lat="51.995709" lon="4.387348"/>
        <port xsi:type="esdl:InPort" id="iepenlaan-joint-3-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="iepenlaan-pipe-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-joint-3-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="iepenlaan-5-service-supply.in.heat-supply iepenlaan-6-service-supply.in.heat-supply"/>
      </asset>
      <asset xsi:type="esdl:Joint" id="iepenlaan-joint-3-return" name="Iepenlaan joint 3 return">
        <geometry xsi:type="esdl:Point" lat="51.995736" lon="4.387392"/>
        <port xsi:type="esdl:InPort" id="iepenlaan-joint-3-return.in.heat-return" name="In" carrier="heat-return" connectedTo="iepenlaan-5-service-return.out.heat-return iepenlaan-6-service-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-joint-3-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="iepenlaan-pipe-3-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="85.0" diameter="DN65" id="iepenlaan-pipe-3-supply" name="Iepenlaan pipe 3 supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.996473" lon="4.387348"/>
          <point xsi:type="esdl:Point" lat="51.995709" lon="4.387348"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="iepenlaan-pipe-3-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="iepenlaan-joint-2-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-pipe-3-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="iepenlaan-joint-3-supply.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="iepenlaan-pipe-3-supply.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="527000.0" innerDiameter="0.0703" outerDiameter="0.16" length="85.0" diameter="DN65" id="iepenlaan-pipe-3-return" name="Iepenlaan pipe 3 return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.995736" lon="4.387392"/>
          <point xsi:type="esdl:Point" lat="51.9965" lon="4.387392"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="iepenlaan-pipe-3-return.in.heat-return" name="In" carrier="heat-return" connectedTo="iepenlaan-joint-3-return.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-pipe-3-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="iepenlaan-joint-2-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="iepenlaan-pipe-3-return.wall" reference="wall-dn65"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="iepenlaan-5-service-supply" name="Iepenlaan 5 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.995709" lon="4.387348"/>
          <point xsi:type="esdl:Point" lat="51.995709" lon="4.387027"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="iepenlaan-5-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="iepenlaan-joint-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-5-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="iepenlaan-5.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="iepenlaan-5-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="22.0" diameter="DN50" id="iepenlaan-5-service-return" name="Iepenlaan 5 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.995736" lon="4.387071"/>
          <point xsi:type="esdl:Point" lat="51.995736" lon="4.387392"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="iepenlaan-5-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="iepenlaan-5.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-5-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="iepenlaan-joint-3-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="iepenlaan-5-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="160000.0" type="SH_AND_HTW" id="iepenlaan-5" name="Iepenlaan 5">
        <geometry xsi:type="esdl:Point" lat="51.995709" lon="4.387027"/>
        <port xsi:type="esdl:InPort" id="iepenlaan-5.in.heat-supply" name="In" carrier="heat-supply" connectedTo="iepenlaan-5-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-5.out.heat-return" name="Out" carrier="heat-return" connectedTo="iepenlaan-5-service-return.in.heat-return"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="iepenlaan-6-service-supply" name="Iepenlaan 6 service supply">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.995709" lon="4.387348"/>
          <point xsi:type="esdl:Point" lat="51.995709" lon="4.387844"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="iepenlaan-6-service-supply.in.heat-supply" name="In" carrier="heat-supply" connectedTo="iepenlaan-joint-3-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-6-service-supply.out.heat-supply" name="Out" carrier="heat-supply" connectedTo="iepenlaan-6.in.heat-supply"/>
        <material xsi:type="esdl:MatterReference" id="iepenlaan-6-service-supply.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:Pipe" capacity="288000.0" innerDiameter="0.0545" outerDiameter="0.14" length="34.0" diameter="DN50" id="iepenlaan-6-service-return" name="Iepenlaan 6 service return">
        <geometry xsi:type="esdl:Line">
          <point xsi:type="esdl:Point" lat="51.995736" lon="4.387888"/>
          <point xsi:type="esdl:Point" lat="51.995736" lon="4.387392"/>
        </geometry>
        <port xsi:type="esdl:InPort" id="iepenlaan-6-service-return.in.heat-return" name="In" carrier="heat-return" connectedTo="iepenlaan-6.out.heat-return"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-6-service-return.out.heat-return" name="Out" carrier="heat-return" connectedTo="iepenlaan-joint-3-return.in.heat-return"/>
        <material xsi:type="esdl:MatterReference" id="iepenlaan-6-service-return.wall" reference="wall-dn50"/>
      </asset>
      <asset xsi:type="esdl:HeatingDemand" sector="sector-residential" power="150000.0" type="SH_AND_HTW" id="iepenlaan-6" name="Iepenlaan 6">
        <geometry xsi:type="esdl:Point" lat="51.995709" lon="4.387844"/>
        <port xsi:type="esdl:InPort" id="iepenlaan-6.in.heat-supply" name="In" carrier="heat-supply" connectedTo="iepenlaan-6-service-supply.out.heat-supply"/>
        <port xsi:type="esdl:OutPort" id="iepenlaan-6.out.heat-return" name="Out" carrier="heat-return" connectedTo="iepenlaan-6-service-return.in.heat-return"/>
      </asset>
    </area>
  </instance>
  <energySystemInformation xsi:type="esdl:EnergySystemInformation" id="information">
    <carriers xsi:type="esdl:Carriers" id="carriers">
      <carrier xsi:type="esdl:HeatCommodity" name="Heat, supply" id="heat-supply" supplyTemperature="75.0"/>
      <carrier xsi:type="esdl:HeatCommodity" name="Heat, return" id="heat-return" returnTemperature="45.0"/>
      <carrier xsi:type="esdl:GasCommodity" name="Natural gas" id="gas" pressure="8.0"/>
    </carriers>
    <sectors xsi:type="esdl:Sectors" id="sectors">
      <sector xsi:type="esdl:Sector" id="sector-residential" name="Residential" code="residential"/>
      <sector xsi:type="esdl:Sector" id="sector-offices" name="Offices" code="offices"/>
      <sector xsi:type="esdl:Sector" id="sector-education" name="Education" code="education"/>
      <sector xsi:type="esdl:Sector" id="sector-healthcare" name="Healthcare" code="healthcare"/>
      <sector xsi:type="esdl:Sector" id="sector-retail" name="Retail" code="retail"/>
    </sectors>
    <matters xsi:type="esdl:Matters" id="matters">
      <matter xsi:type="esdl:Material" name="Steel" id="steel" thermalConductivity="52.0"/>
      <matter xsi:type="esdl:Material" name="Polyurethane foam" id="polyurethane-foam" thermalConductivity="0.027"/>
      <matter xsi:type="esdl:Material" name="Polyethylene" id="polyethylene" thermalConductivity="0.43"/>
      <matter xsi:type="esdl:CompoundMatter" name="Wall of DN50" id="wall-dn50" compoundType="LAYERED">
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.0029">
          <matter xsi:type="esdl:MatterReference" id="wall-dn50.steel" reference="steel"/>
        </component>
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.03685">
          <matter xsi:type="esdl:MatterReference" id="wall-dn50.polyurethane-foam" reference="polyurethane-foam"/>
        </component>
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.003">
          <matter xsi:type="esdl:MatterReference" id="wall-dn50.polyethylene" reference="polyethylene"/>
        </component>
      </matter>
      <matter xsi:type="esdl:CompoundMatter" name="Wall of DN65" id="wall-dn65" compoundType="LAYERED">
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.0029">
          <matter xsi:type="esdl:MatterReference" id="wall-dn65.steel" reference="steel"/>
        </component>
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.038950000000000005">
          <matter xsi:type="esdl:MatterReference" id="wall-dn65.polyurethane-foam" reference="polyurethane-foam"/>
        </component>
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.003">
          <matter xsi:type="esdl:MatterReference" id="wall-dn65.polyethylene" reference="polyethylene"/>
        </component>
      </matter>
      <matter xsi:type="esdl:CompoundMatter" name="Wall of DN80" id="wall-dn80" compoundType="LAYERED">
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.0032">
          <matter xsi:type="esdl:MatterReference" id="wall-dn80.steel" reference="steel"/>
        </component>
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.04255">
          <matter xsi:type="esdl:MatterReference" id="wall-dn80.polyurethane-foam" reference="polyurethane-foam"/>
        </component>
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.003">
          <matter xsi:type="esdl:MatterReference" id="wall-dn80.polyethylene" reference="polyethylene"/>
        </component>
      </matter>
      <matter xsi:type="esdl:CompoundMatter" name="Wall of DN100" id="wall-dn100" compoundType="LAYERED">
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.0036">
          <matter xsi:type="esdl:MatterReference" id="wall-dn100.steel" reference="steel"/>
        </component>
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.05195">
          <matter xsi:type="esdl:MatterReference" id="wall-dn100.polyurethane-foam" reference="polyurethane-foam"/>
        </component>
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.0034">
          <matter xsi:type="esdl:MatterReference" id="wall-dn100.polyethylene" reference="polyethylene"/>
        </component>
      </matter>
      <matter xsi:type="esdl:CompoundMatter" name="Wall of DN125" id="wall-dn125" compoundType="LAYERED">
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.0036">
          <matter xsi:type="esdl:MatterReference" id="wall-dn125.steel" reference="steel"/>
        </component>
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.05155">
          <matter xsi:type="esdl:MatterReference" id="wall-dn125.polyurethane-foam" reference="polyurethane-foam"/>
        </component>
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.0036">
          <matter xsi:type="esdl:MatterReference" id="wall-dn125.polyethylene" reference="polyethylene"/>
        </component>
      </matter>
      <matter xsi:type="esdl:CompoundMatter" name="Wall of DN150" id="wall-dn150" compoundType="LAYERED">
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.004">
          <matter xsi:type="esdl:MatterReference" id="wall-dn150.steel" reference="steel"/>
        </component>
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.05195">
          <matter xsi:type="esdl:MatterReference" id="wall-dn150.polyurethane-foam" reference="polyurethane-foam"/>
        </component>
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.0039">
          <matter xsi:type="esdl:MatterReference" id="wall-dn150.polyethylene" reference="polyethylene"/>
        </component>
      </matter>
      <matter xsi:type="esdl:CompoundMatter" name="Wall of DN200" id="wall-dn200" compoundType="LAYERED">
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.0045">
          <matter xsi:type="esdl:MatterReference" id="wall-dn200.steel" reference="steel"/>
        </component>
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.06345">
          <matter xsi:type="esdl:MatterReference" id="wall-dn200.polyurethane-foam" reference="polyurethane-foam"/>
        </component>
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.0045">
          <matter xsi:type="esdl:MatterReference" id="wall-dn200.polyethylene" reference="polyethylene"/>
        </component>
      </matter>
      <matter xsi:type="esdl:CompoundMatter" name="Wall of DN250" id="wall-dn250" compoundType="LAYERED">
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.005">
          <matter xsi:type="esdl:MatterReference" id="wall-dn250.steel" reference="steel"/>
        </component>
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.0833">
          <matter xsi:type="esdl:MatterReference" id="wall-dn250.polyurethane-foam" reference="polyurethane-foam"/>
        </component>
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.0052">
          <matter xsi:type="esdl:MatterReference" id="wall-dn250.polyethylene" reference="polyethylene"/>
        </component>
      </matter>
      <matter xsi:type="esdl:CompoundMatter" name="Wall of DN300" id="wall-dn300" compoundType="LAYERED">
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.0056">
          <matter xsi:type="esdl:MatterReference" id="wall-dn300.steel" reference="steel"/>
        </component>
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.08245000000000001">
          <matter xsi:type="esdl:MatterReference" id="wall-dn300.polyurethane-foam" reference="polyurethane-foam"/>
        </component>
        <component xsi:type="esdl:CompoundMatterComponent" layerWidth="0.0056">
          <matter xsi:type="esdl:MatterReference" id="wall-dn300.polyethylene" reference="polyethylene"/>
        </component>
      </matter>
    </matters>
  </energySystemInformation>
</esdl:EnergySystem>
