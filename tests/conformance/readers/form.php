<?php
// What PHP itself finds in a form that is posted here: a script for php -S.
$parts = [];
foreach ($_POST as $name => $value) {
    if (is_array($value)) {
        $value = json_encode($value);
    }
    $parts[] = ['name' => (string) $name, 'filename' => null, 'type' => null, 'length' => strlen($value), 'sha256' => hash('sha256', $value)];
}
foreach ($_FILES as $name => $file) {
    if (is_array($file['name']) || $file['error'] !== UPLOAD_ERR_OK) {
        $parts[] = ['name' => (string) $name, 'error' => $file['error']];
        continue;
    }
    $parts[] = ['name' => (string) $name, 'filename' => $file['name'], 'type' => $file['type'],
        'length' => filesize($file['tmp_name']), 'sha256' => hash_file('sha256', $file['tmp_name'])];
}
header('Content-Type: application/json');
echo json_encode(['parts' => $parts], JSON_INVALID_UTF8_SUBSTITUTE);
