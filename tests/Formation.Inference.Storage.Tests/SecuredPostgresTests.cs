using Formation.Inference.Storage.Engines;
using Formation.Inference.Testing.Databases;
using Formation.Inference.Testing.Files;

namespace Formation.Inference.Storage.Tests;

/// <summary>A PostgreSQL on the network that speaks TLS alone, with a certificate of an authority that only a file knows.</summary>
public sealed class SecuredPostgresTests : IDisposable
{
    private readonly PostgresCertificate _certificate = new("localhost", TimeProvider.System.GetUtcNow());
    private readonly TemporaryDirectory _folder = new();
    private readonly PostgresServer _server;
    private readonly PostgresTestDatabase _database;

    public SecuredPostgresTests()
    {
        _server = PostgresServer.Secured(_certificate);
        _database = _server.CreateDatabase();
        File.WriteAllText(Root, _certificate.RootPem);
        File.WriteAllText(Nonsense, "nonsense");
        File.WriteAllText(Stranger, new PostgresCertificate("localhost", TimeProvider.System.GetUtcNow()).RootPem);
    }

    private string Root => _folder.File("root.pem");

    private string Nonsense => _folder.File("nonsense.pem");

    private string Stranger => _folder.File("stranger.pem");

    [Fact]
    public async Task Who_knows_the_authority_and_the_name_speaks_tls_with_the_server_and_hears_of_changes()
    {
        using var database = PostgresDatabase.Open(At("localhost", $"SSL Mode=VerifyFull;Root Certificate={Root}"));
        database.Prepare(new Schema("things", sql => $"CREATE TABLE things (name {sql.Text} PRIMARY KEY){sql.TableEnd}"));
        Assert.Equal([true], database.Query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", row => row.GetBoolean(0)));

        var heard = 0;
        using var stop = new CancellationTokenSource();
        var listening = database.ListenAsync(() => Interlocked.Increment(ref heard), stop.Token);
        await Eventually.TrueAsync(() => Volatile.Read(ref heard) == 1);
        var password = Uri.EscapeDataString(PostgresServer.Password);
        var uri = $"postgresql://{PostgresServer.User}:{password}@localhost:{_certificate.Port}/{Name}?sslmode=verify-full&sslrootcert={Root}";
        using (var other = PostgresDatabase.Open(uri))
        using (var change = other.Begin())
        {
            change.TellOthers();
            change.Commit();
        }
        await Eventually.TrueAsync(() => Volatile.Read(ref heard) == 2);
        stop.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => listening);
    }

    [Fact]
    public void Nobody_takes_another_authority_another_name_or_none_of_it_for_the_server()
    {
        foreach (var (host, more) in new[]
        {
            ("localhost", $"SSL Mode=VerifyFull;Root Certificate={Stranger}"),
            ("127.0.0.1", $"SSL Mode=VerifyFull;Root Certificate={Root}"),
            ("127.0.0.1", $"SSL Mode=Require;Root Certificate={Stranger}"),
            ("localhost", $"SSL Mode=VerifyFull;Root Certificate={_folder.File("missing.pem")}"),
            ("localhost", $"SSL Mode=VerifyFull;Root Certificate={Nonsense}"),
            ("localhost", $"SSL Mode=Require;SSL Certificate={Nonsense};SSL Key={Nonsense}"),
            ("localhost", "SSL Mode=VerifyFull"),
            ("localhost", "SSL Mode=Disable"),
        })
        {
            var refused = Assert.Throws<StorageException>(() => PostgresDatabase.Open(At(host, more)));
            Assert.Contains($"{host}:{_certificate.Port}", refused.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(PostgresServer.Password, refused.ToString(), StringComparison.Ordinal);
        }
    }

    [Theory, InlineData("verify-ca", true), InlineData("require", true), InlineData("require", false), InlineData("prefer", false)]
    public void Who_asks_for_less_than_the_name_is_let_in_in_tls(string mode, bool knows)
    {
        using var database = PostgresDatabase.Open(At("127.0.0.1", $"SSL Mode={mode}{(knows ? $";Root Certificate={Root}" : "")}"));
        Assert.Equal([true], database.Query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", row => row.GetBoolean(0)));
    }

    [Fact]
    public void A_client_shows_the_certificate_that_it_was_given()
    {
        var (certificate, key) = (_folder.File("client.pem"), _folder.File("client.key"));
        File.WriteAllText(certificate, _certificate.CertificatePem);
        File.WriteAllText(key, _certificate.KeyPem);
        using var database = PostgresDatabase.Open(At("localhost", $"SSL Mode=VerifyFull;Root Certificate={Root};SSL Certificate={certificate};SSL Key={key}"));
        Assert.Equal(["/CN=localhost"], database.Query("SELECT client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()", row => row.GetString(0)));
    }

    public void Dispose()
    {
        _database.Dispose();
        _server.Dispose();
        _folder.Dispose();
    }

    private string Name => _database.ConnectionString[(_database.ConnectionString.LastIndexOf('=') + 1)..];

    private string At(string host, string more) =>
        $"Host={host};Port={_certificate.Port};Username={PostgresServer.User};Password=\"{PostgresServer.Password}\";Database={Name};{more}";
}
