using System.Net;
using Formation.Inference.Testing.Databases;
using Formation.Inference.Testing.Files;

namespace Formation.Inference.EndToEnd.Tests;

/// <summary>Servers that share one PostgreSQL.</summary>
public sealed class SharedDatabaseTests : IDisposable
{
    private readonly PostgresServer _server = new();
    private readonly PostgresTestDatabase _database;
    private readonly TemporaryDirectory _folder = new();

    public SharedDatabaseTests() => _database = _server.CreateDatabase();

    [Fact]
    public async Task Of_servers_that_start_together_one_shows_the_administrators_key_and_all_accept_it()
    {
        var model = TinyModelServer.BuildModel(_folder.Path);
        var homes = new[] { Home("a"), Home("b") };
        var pepper = Enumerable.Range(0, 32).Select(i => (byte)i).ToArray();
        foreach (var home in homes)
            File.WriteAllBytes(Path.Combine(Directory.CreateDirectory(Path.Combine(home, ".local/share/formation")).FullName, "accounts.pepper"), pepper);

        var servers = await Task.WhenAll(homes.Select(home => StartAsync(home, model)));
        await using var first = servers[0];
        await using var second = servers[1];

        var key = servers.SelectMany(server => server.Output).SelectMany(line => line.Split(' ')).Single(word => word.StartsWith("fs_live_", StringComparison.Ordinal));
        foreach (var server in servers)
        {
            using var client = server.Client(key);
            Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/v1/models", TestContext.Current.CancellationToken)).StatusCode);
        }
    }

    [Fact]
    public async Task A_server_with_a_pepper_of_its_own_does_not_start_and_says_which_file_to_copy()
    {
        var model = TinyModelServer.BuildModel(_folder.Path);
        await using var first = await StartAsync(Home("a"), model);

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(Home("b"), model));

        Assert.Contains($"{Environment.MachineName}:{Path.Combine(_folder.Path, "a")}", error.Message, StringComparison.Ordinal);
        Assert.Contains("accounts.pepper", error.Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _database.Dispose();
        _server.Dispose();
        _folder.Dispose();
    }

    private string Home(string name) => Directory.CreateDirectory(_folder.File(name)).FullName;

    private Task<ServerProcess> StartAsync(string home, string model) => ServerProcess.StartAsync(
        home, new Dictionary<string, string> { ["FORMATION_DATABASE"] = _database.ConnectionString }, "--model", $"formation-llm={model}");
}
