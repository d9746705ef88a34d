using System.Net;
using Formation.Inference.Cli.Hosting;
using Formation.Inference.Cluster.Deployments;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Weights;
using Formation.Inference.Storage.Engines;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Cli.Tests.Fakes;

/// <summary>A gateway's real control plane on loopback, with a data folder of its own.</summary>
sealed class TestControlPlane : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("form-control-");
    private readonly TimeProvider _clock;
    private readonly Func<string, IServedModel?>? _findModel;
    private readonly SqliteDatabase _database;
    private ControlPlane? _plane;

    private TestControlPlane(TimeProvider clock, Func<string, IServedModel?>? findModel)
    {
        (_clock, _findModel) = (clock, findModel);
        _database = SqliteDatabase.Open(Path.Combine(_folder.FullName, "cluster.db"), clock);
    }

    public ControlPlane Plane => _plane ?? throw new InvalidOperationException("it is stopped");

    public NodeRegistry Registry => Plane.Registry;

    public Uri Url => Plane.Endpoint.UrlFor(null);

    public static async Task<TestControlPlane> StartAsync(TimeProvider? clock = null, Func<string, IServedModel?>? findModel = null)
    {
        var test = new TestControlPlane(clock ?? TimeProvider.System, findModel);
        await test.RunAsync(0);
        return test;
    }

    /// <summary>A token of this gateway, as text.</summary>
    public string Token(TimeSpan? lifetime = null) =>
        Registry.Invite(AdmissionTerms.Default, lifetime ?? TimeSpan.FromHours(1)).Token.Text.Value;

    public async Task StopAsync()
    {
        await Plane.DisposeAsync();
        _plane = null;
    }

    /// <summary>Starts again after a stop, on the same port.</summary>
    public async Task RunAsync(int port)
    {
        _plane = await ControlPlane.StartAsync(new ControlPlaneOptions
        {
            Listen = new IPEndPoint(IPAddress.Loopback, port),
            DataFolder = _folder.FullName,
            Database = _database,
            ReadModel = NoModels,
            FindModel = _findModel ?? (_ => null),
            Clock = _clock,
            ConfigureLogging = logging => logging.ClearProviders(),
        });
    }

    private static Task<DeployedModel?> NoModels(string modelId, string kvFormat, CancellationToken cancellationToken) =>
        Task.FromResult<DeployedModel?>(null);

    public async ValueTask DisposeAsync()
    {
        if (_plane is not null)
            await StopAsync();
        _database.Dispose();
        _folder.Delete(recursive: true);
    }
}
