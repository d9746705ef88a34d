using System.Text.Json;
using System.Text.Json.Serialization;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Nodes.Storage;
using Formation.Inference.Storage;

namespace Formation.Inference.Cluster.Gateways;

/// <summary>
/// The gateways that share a database, and when each last said that it lives, by the clock of the database. Safe to call from any thread; every
/// method throws <see cref="StorageException"/> when the database fails.
/// </summary>
public sealed class GatewayStore
{
    /// <summary>One that said nothing for so long is forgotten when another speaks.</summary>
    public static readonly TimeSpan ForgottenAfter = TimeSpan.FromDays(1);

    private static readonly Schema Tables = new("gateways", sql =>
        $"CREATE TABLE gateways (pin {sql.Text} PRIMARY KEY, urls {sql.Text} NOT NULL, seen {sql.Integer} NOT NULL){sql.TableEnd}");

    private readonly Database _database;

    private GatewayStore(Database database) => _database = database;

    /// <summary>Opens the store in a database, which stays the caller's.</summary>
    /// <exception cref="InvalidDataException">A newer version of the program made its table.</exception>
    public static GatewayStore Open(Database database)
    {
        database.Prepare(Tables);
        return new GatewayStore(database);
    }

    /// <summary>
    /// Says that a gateway lives now. Others are told where it is new or has other URLs, not every time that it only still lives; who lives no
    /// more, and who lives again, they find by <see cref="List"/>.
    /// </summary>
    public void Announce(KnownGateway gateway)
    {
        var now = _database.Dialect.Now;
        var urls = JsonSerializer.Serialize([.. gateway.Urls], UrlsJson.Default.StringArray);
        using var transaction = _database.Begin();
        var known = transaction.Query("SELECT urls FROM gateways WHERE pin = @pin", row => row.GetString(0), ("@pin", gateway.Pin.Text)).SingleOrDefault();
        transaction.Execute(
            $"INSERT INTO gateways (pin, urls, seen) VALUES (@pin, @urls, {now}) ON CONFLICT (pin) DO UPDATE SET urls = excluded.urls, seen = excluded.seen",
            ("@pin", gateway.Pin.Text), ("@urls", urls));
        transaction.Execute($"DELETE FROM gateways WHERE seen < {now} - @age", ("@age", (long)ForgottenAfter.TotalMilliseconds));
        if (known != urls)
            transaction.TellOthers();
        transaction.Commit();
    }

    /// <summary>The gateways that said within this time that they live, ordered by pin.</summary>
    public IReadOnlyList<SeenGateway> List(TimeSpan within) => _database.Query(
        $"SELECT pin, urls, seen FROM gateways WHERE seen >= {_database.Dialect.Now} - @within ORDER BY pin",
        row => new SeenGateway(
            new KnownGateway(StoredPin.Read(row.GetString(0)), JsonSerializer.Deserialize(row.GetString(1), UrlsJson.Default.StringArray) ?? []),
            DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(2))),
        ("@within", (long)within.TotalMilliseconds));

    /// <summary>Says that a gateway lives no more: it ends in order.</summary>
    public void Withdraw(KeyPin pin)
    {
        using var transaction = _database.Begin();
        transaction.Execute("DELETE FROM gateways WHERE pin = @pin", ("@pin", pin.Text));
        transaction.TellOthers();
        transaction.Commit();
    }
}

/// <summary>A gateway, and when it last said that it lives, by the clock of the database.</summary>
public sealed record SeenGateway(KnownGateway Gateway, DateTimeOffset LastSeen);

[JsonSerializable(typeof(string[]))]
sealed partial class UrlsJson : JsonSerializerContext;
