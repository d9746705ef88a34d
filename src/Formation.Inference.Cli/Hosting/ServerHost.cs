using System.Runtime.InteropServices;
using Formation.Inference.Accounts.Keys;
using Formation.Inference.Cli.Client;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Scheduling;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Speculation;
using Formation.Inference.Gateway;
using Formation.Inference.Gateway.Contents;
using Formation.Inference.Storage;
using Formation.Inference.Storage.Engines;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Formation.Inference.Cli.Hosting;

/// <summary>The composition root of a server: engine, accounts and gateway in one process, from start to orderly end.</summary>
static class ServerHost
{
    /// <summary>Serves until the process is asked to end.</summary>
    /// <exception cref="CommandException">The server can't start; the message says why.</exception>
    public static async Task<int> RunAsync(ServeSettings settings, CommandContext context, CancellationToken cancellationToken)
    {
        using var databases = ServerDatabases.Open(settings, context.Time);
        var (keys, firstKey) = await OpenKeysAsync(databases.Accounts, settings, context, cancellationToken);
        var contents = OpenContents(databases.Contents, settings, context);
        var builder = CreateBuilder(settings);
        using var loggers = LoggerFactory.Create(ServerLogging.Configure);
        using var metrics = new EngineMetrics();
        using var device = new CpuDevice(settings.Threads);
        await using var pool = CreatePool(settings, device, metrics, context.Time, loggers);
        var models = new ServedModels(settings, pool, context.Time, loggers.CreateLogger<ServedModels>());
        models.Start();

        using var deployable = new DeployableModels(models, settings.DataFolder, context.Time);
        await using var control = await StartControlPlaneAsync(settings, databases.Cluster, deployable, context);
        var local = new LocalBackend(pool, settings.Threads);
        IInferenceBackend backend = control is null ? local : new ServedBackend(control.Replicas, control.Backend, local);
        IModelCatalog catalog = control is null ? pool : new ServedCatalog(pool, control.Controller);
        builder.AddFormationGateway(backend, catalog, new GatewayOptions
        {
            Authentication = keys is null ? new GatewayAuthentication.Anonymous() : new GatewayAuthentication.WithKeys(keys),
            ModelsForReadiness = [models.First],
            DefaultModel = settings.DefaultModel,
            OtlpEndpoint = settings.OtlpEndpoint,
            ShutdownTimeout = settings.ShutdownLimit,
            Contents = contents,
            Nodes = control?.Directory,
            Deployments = control?.Deployments,
            Clock = context.Time,
        });
        await using var app = builder.Build().MapFormationGateway();
        var url = await StartAsync(app, settings);
        if (firstKey is not null)
            ShowFirstKey(context, firstKey, url);

        await LoadFirstModelAsync(pool, models.First, context, cancellationToken);
        context.Output.Out.WriteLine($"Ready on {url}");
        await context.Output.Out.FlushAsync(cancellationToken);

        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(app.Lifetime.ApplicationStopping, cancellationToken);
        using var impatience = SecondInterruptEndsAtOnce();
        var following = models.FollowAsync(stopping.Token);
        var offering = control is null ? Task.CompletedTask : deployable.FollowAsync(control.Controller, databases.Cluster is PostgresDatabase, context.Output.Note, stopping.Token);
        var own = control is null || !settings.IsNode ? Task.CompletedTask : new LocalNode(settings, control, pool, context).RunAsync(stopping.Token);
        await app.WaitForShutdownAsync(cancellationToken);
        await following;
        await offering;
        await own;
        await pool.StopAsync(settings.ShutdownLimit);
        return ExitCode.Done;
    }

    private static WebApplicationBuilder CreateBuilder(ServeSettings settings)
    {
        // The folder that the server happens to be started in holds no settings of ours.
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseUrls(settings.Addresses.Urls);
        ServerLogging.Configure(builder.Logging);
        return builder;
    }

    private static ModelPool CreatePool(
        ServeSettings settings, CpuDevice device, EngineMetrics metrics, TimeProvider time, ILoggerFactory loggers)
    {
        var scheduler = new SchedulerOptions();
        var engine = new EngineOptions
        {
            Scheduler = settings.ParallelSequences is { } parallel ? scheduler with { MaxRunningSequences = parallel } : scheduler,
            Speculation = new SpeculationOptions { Mode = settings.Speculation },
        };
        var loader = new ModelLoader(device, new ModelLoadOptions
        {
            ContextLength = settings.ContextLength,
            KvFormat = settings.KvFormat,
            MemoryBytes = settings.MemoryBytes,
            Engine = engine,
        });
        var options = new ModelPoolOptions { MemoryBytes = settings.MemoryBytes, Engine = engine };
        return new ModelPool(options, loader.Measure, loader.Load, metrics, time, loggers);
    }

    private static async Task<(ApiKeyStore? Keys, NewApiKey? First)> OpenKeysAsync(
        Database? database, ServeSettings settings, CommandContext context, CancellationToken cancellationToken)
    {
        if (database is null)
        {
            if (settings.Addresses.ReachableFromOutside)
                context.Output.Note("Warning: --no-auth on an address that other machines reach: everybody there is served.");
            return (null, null);
        }
        try
        {
            var keys = ApiKeyStore.Open(database, settings.DataFolder, context.Time);
            if (settings.ApiKey is { } key)
                AddOperatorKey(keys, key, settings, context);
            return (keys, await keys.EnsureAdministratorKeyAsync(cancellationToken));
        }
        catch (ArgumentException error)
        {
            throw new CommandException(ExitCode.WrongUsage, error.Message);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException or StorageException)
        {
            throw new CommandException(ExitCode.Failed, $"The keys can't be opened: {error.Message}");
        }
    }

    private static ContentStore? OpenContents(Database? database, ServeSettings settings, CommandContext context)
    {
        try
        {
            return database is null ? null : ContentStore.Open(database, settings.DataFolder, context.Time);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException or StorageException)
        {
            throw new CommandException(ExitCode.Failed, $"The responses that are kept can't be opened: {error.Message}");
        }
    }

    private static void AddOperatorKey(ApiKeyStore keys, string key, ServeSettings settings, CommandContext context)
    {
        keys.AddOperatorKey(key);
        if (settings.Addresses.ReachableFromOutside && key.Length < ApiKeyStore.StrongKeyLength)
            context.Output.Note($"Warning: the key of --api-key has {key.Length} characters and other machines reach this server; 'openssl rand -hex 32' makes a strong one.");
    }

    private static async Task<ControlPlane?> StartControlPlaneAsync(
        ServeSettings settings, Database? database, DeployableModels models, CommandContext context)
    {
        if (settings.ClusterListen is not { } listen || database is null)
            return null;
        try
        {
            var control = await ControlPlane.StartAsync(new ControlPlaneOptions
            {
                Listen = listen.Endpoint,
                DataFolder = settings.DataFolder,
                Database = database,
                Urls = settings.ClusterUrls,
                ReadModel = models.ReadAsync,
                FindModel = models.Find,
                Adapt = settings.Adapt,
                Clock = context.Time,
                ConfigureLogging = ServerLogging.Configure,
            });
            if (!listen.IsDefault || control.Endpoint.IsReachableFromOutside)
                context.Output.Note($"Nodes dial in at {control.Endpoint.UrlFor(null).GetLeftPart(UriPartial.Authority)}");
            return control;
        }
        // Somebody who serves one machine's clients asked for no port for nodes, and need not care for it.
        catch (IOException error) when (listen.IsDefault && error.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
        {
            context.Output.Note($"Nodes can't dial in: {listen.Endpoint} is taken. Give another address with --cluster-listen, or 'off' for none.");
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException or StorageException)
        {
            throw new CommandException(
                ExitCode.Failed, $"The server can't listen for nodes on {listen.Endpoint}: {error.Message}\nGive another address with --cluster-listen, or 'off' for none.");
        }
    }

    private static async Task<string> StartAsync(WebApplication app, ServeSettings settings)
    {
        try
        {
            await app.StartAsync();
        }
        catch (IOException error)
        {
            throw new CommandException(
                ExitCode.Failed, $"The server can't listen on {settings.Addresses.Urls}: {error.Message}\nStop what listens there, or give other addresses with --urls.");
        }
        return ListenAddresses.ForClients(app.Urls.First());
    }

    private static void ShowFirstKey(CommandContext context, NewApiKey key, string url)
    {
        context.Output.Out.WriteLine($"Administrator's API key (shown this once): {key.Plaintext.Value}");
        // A key of another server stays: this user may have signed in there on purpose.
        if (SavedCredentials.Load(context.Folders) is { } saved && saved.Url != url)
            context.Output.Note($"The key of {saved.Url} stays saved; 'form inference auth --key KEY --url {url}' saves this one.");
        else
            new SavedCredentials(url, key.Plaintext.Value).Save(context.Folders);
    }

    private static async Task LoadFirstModelAsync(ModelPool pool, string id, CommandContext context, CancellationToken cancellationToken)
    {
        var load = pool.LoadAsync(id, cancellationToken);
        await LoadProgress.ShowAsync(context, pool, id, load);
        if (await load is { } error)
            throw new CommandException(ExitCode.Failed, $"{error.Message} ('form models inspect FILE' tells more of a file.)");
    }

    private static PosixSignalRegistration SecondInterruptEndsAtOnce()
    {
        var interrupts = 0;
        return PosixSignalRegistration.Create(PosixSignal.SIGINT, _ =>
        {
            if (Interlocked.Increment(ref interrupts) == 2)
                Environment.Exit(ExitCode.Failed);
        });
    }
}
