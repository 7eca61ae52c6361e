"""Who we are to a server, and which server is trusted."""

from asyncua import Client, ua
from asyncua.crypto import security_policies
from cryptography import x509

from twin_adapters.addresses import is_loopback, warn_of_clear_text
from twin_adapters.opcua.settings import OpcuaSettings
from twin_runtime.errors import ConfigError

MODES = {"sign": ua.MessageSecurityMode.Sign, "sign-and-encrypt": ua.MessageSecurityMode.SignAndEncrypt}
OUR_NAME = "urn:twin-runtime"


async def secure(client: Client, settings: OpcuaSettings) -> None:
    """Have a client use the certificates and the credentials of the settings; raises ConfigError where it cannot."""
    client.name = client.description = "twin-runtime"
    client.application_uri = client.product_uri = OUR_NAME
    if settings.username is not None:
        client.set_user(settings.username)
    password = settings.password()
    if password is not None:
        if not settings.is_encrypted and not is_loopback(settings.host):
            warn_of_clear_text("the password", settings.server)
        client.set_password(password)
    if settings.policy != "none":
        await _use_certificates(client, settings)


async def _use_certificates(client: Client, settings: OpcuaSettings) -> None:
    files = [str(file) for file in (settings.cert_file, settings.key_file, settings.server_cert_file)]
    own, key, server = files
    try:
        certificate = _certificate(settings)
        client.application_uri = _uri(certificate) or OUR_NAME
        policy = getattr(security_policies, f"SecurityPolicy{settings.policy}")
        await client.set_security(policy, own, key, None, server, MODES[settings.mode])
    except (OSError, ValueError, TypeError) as error:
        remedy = "give readable files in PEM (.pem) or DER: our certificate, its key without a password, the server's"
        raise ConfigError(f"cannot use {', '.join(files)}: {error}", where="opcua", remedy=remedy) from error


def _certificate(settings: OpcuaSettings) -> x509.Certificate:
    assert settings.cert_file is not None, "a policy needs a certificate"
    content = settings.cert_file.read_bytes()
    is_pem = content.lstrip().startswith(b"-----BEGIN")
    return x509.load_pem_x509_certificate(content) if is_pem else x509.load_der_x509_certificate(content)


def _uri(certificate: x509.Certificate) -> str:
    """The name of the application that a certificate was made for: a server compares it with the one we give."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    return next(iter(names.get_values_for_type(x509.UniformResourceIdentifier)), "")
