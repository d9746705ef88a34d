using Formation.Inference.Testing.Databases;

[assembly: AssemblyFixture(typeof(PostgresServer))]
